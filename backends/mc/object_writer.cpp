#include "backends/mc/object_writer.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <map>
#include <set>

#include "backends/mc/mc_target.h"
#include "espalier/kernel_abi.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/BinaryFormat/MachO.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCObjectStreamer.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCSectionELF.h"
#include "llvm/MC/MCSectionMachO.h"
#include "llvm/MC/MCSymbolELF.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SourceMgr.h"

namespace espalier {
namespace {

// The descriptor is emitted as the image of the compiler's own espalier_kernel, so the machine that compiles must lay
// it out as the machines compiled for do: 64-bit pointers, little-endian, and these offsets, which are the ABI's.
static_assert(std::endian::native == std::endian::little && sizeof(void*) == 8 && sizeof(float) == 4);
static_assert(sizeof(espalier_kernel) == 144 && alignof(espalier_kernel) == 8);
static_assert(offsetof(espalier_kernel, abi_version) == 0 && offsetof(espalier_kernel, struct_bytes) == 4);
static_assert(offsetof(espalier_kernel, name) == 8 && offsetof(espalier_kernel, cpu_features) == 16);
static_assert(offsetof(espalier_kernel, nonzeros) == 24 && offsetof(espalier_kernel, output_channels) == 32);
static_assert(offsetof(espalier_kernel, input_channels) == 36 && offsetof(espalier_kernel, input_stride) == 40);
static_assert(offsetof(espalier_kernel, output_stride) == 44 && offsetof(espalier_kernel, input_panel) == 48);
static_assert(offsetof(espalier_kernel, output_panel) == 52 && offsetof(espalier_kernel, pixels) == 56);
static_assert(offsetof(espalier_kernel, max_pixels) == 60 && offsetof(espalier_kernel, pixel_block) == 64);
static_assert(offsetof(espalier_kernel, pixel_multiple) == 68 && offsetof(espalier_kernel, group_count) == 72);
static_assert(offsetof(espalier_kernel, chunk_count) == 76 && offsetof(espalier_kernel, pixel_tile) == 80);
static_assert(offsetof(espalier_kernel, groups) == 88 && offsetof(espalier_kernel, chunks) == 96);
static_assert(offsetof(espalier_kernel, weights) == 104);
static_assert(offsetof(espalier_kernel, weights_count) == 112 && offsetof(espalier_kernel, indices) == 120);
static_assert(offsetof(espalier_kernel, indices_bytes) == 128 && offsetof(espalier_kernel, output_order) == 136);
static_assert(sizeof(espalier_chunk) == 24 && offsetof(espalier_chunk, run) == 0);
static_assert(offsetof(espalier_chunk, weights_offset) == 8 && offsetof(espalier_chunk, indices_offset) == 16);
static_assert(sizeof(espalier_row_group) == 16 && offsetof(espalier_row_group, chunks) == 12);

constexpr llvm::Align kCacheLine = llvm::Align::Constant<64>();

/// The descriptor with all pointers null.
espalier_kernel descriptor_of(const KernelProgram& p) {
  espalier_kernel k{};
  k.abi_version = ESPALIER_ABI_VERSION;
  k.struct_bytes = sizeof(espalier_kernel);
  k.cpu_features = p.target.vector->features;
  k.nonzeros = p.nonzeros;
  k.output_channels = p.output_channels;
  k.input_channels = p.input_channels;
  k.input_stride = p.input_stride;
  k.output_stride = p.output_stride;
  k.input_panel = p.input_panel;
  k.output_panel = p.output_panel;
  k.pixels = p.pixels;
  k.max_pixels = p.max_pixels();
  k.pixel_block = p.pixel_block;
  k.pixel_multiple = p.pixel_multiple;
  k.pixel_tile = p.pixel_tile();
  k.group_count = static_cast<uint32_t>(p.groups.size());
  k.chunk_count = static_cast<uint32_t>(p.chunks.size());
  k.weights_count = p.stream.size();
  k.indices_bytes = p.indices.size() * p.index_bytes;
  return k;
}

std::string groups_of(const KernelProgram& p) {
  std::string bytes;
  for (const RowGroup& g : p.groups) {
    const espalier_row_group group{g.first_row, g.rows, g.first_chunk, g.chunks};
    bytes.append(reinterpret_cast<const char*>(&group), sizeof group);
  }
  return bytes;
}

/// What AArch64 loops load past the last entry (backends/aarch64/rolled_control.h).
constexpr size_t kIndexOverRead = 32;

/// Little-endian entries of index_bytes each.
std::string indices_of(const KernelProgram& p) {
  std::string bytes(p.indices.size() * p.index_bytes + kIndexOverRead, '\0');
  for (size_t i = 0; i < p.indices.size(); ++i)
    std::memcpy(bytes.data() + i * p.index_bytes, &p.indices[i], p.index_bytes);
  return bytes;
}

std::string output_order_of(const KernelProgram& p) {
  return {reinterpret_cast<const char*>(p.output_order.data()), p.output_order.size() * sizeof(uint32_t)};
}

/// Where one kernel goes.
struct Sections {
  llvm::MCSection *code, *constants, *pointers;
};

/// Linkers drop the ELF sections that a program does not use, so every kernel has its own.
Sections elf_sections_of(llvm::MCContext& context, const std::string& kernel) {
  using namespace llvm::ELF;
  auto section = [&](std::string_view prefix, unsigned flags) -> llvm::MCSection* {
    return context.getELFSection(fmt::format("{}.{}", prefix, kernel), SHT_PROGBITS, SHF_ALLOC | flags);
  };
  return {section(".text", SHF_EXECINSTR), section(".rodata", 0), section(".data.rel.ro", SHF_WRITE)};
}

/// Linkers split the Mach-O sections at symbols and drop parts (MH_SUBSECTIONS_VIA_SYMBOLS).
Sections macho_sections_of(llvm::MCContext& context) {
  const llvm::MCObjectFileInfo& info = *context.getObjectFileInfo();
  return {info.getTextSection(), info.getReadOnlySection(),
          context.getMachOSection("__DATA", "__const", 0, llvm::SectionKind::getReadOnlyWithRel())};
}

/// What LLVM has for its own SmallVector only; saves a copy of the whole object.
class StringStream final : public llvm::raw_pwrite_stream {
 public:
  explicit StringStream(std::string& bytes) : bytes_(bytes) { SetUnbuffered(); }
  ~StringStream() override = default;

 private:
  void write_impl(const char* data, size_t size) override { bytes_.append(data, size); }
  void pwrite_impl(const char* data, size_t size, uint64_t offset) override {
    bytes_.replace(static_cast<size_t>(offset), size, data, size);
  }
  uint64_t current_pos() const override { return bytes_.size(); }

  std::string& bytes_;
};

/// Somewhat more than the object will have, so that its buffer grows once.
size_t expected_bytes(std::span<const KernelCode> kernels) {
  constexpr size_t kPerChunk = 256;  // symbol, name, relocation, table entry, alignment
  size_t bytes = 4096;
  for (const KernelCode& kernel : kernels) {
    bytes += 1536 + kernel.program->stream.size() * sizeof(float) + kernel.program->indices.size() * 4;
    for (const std::string& chunk : kernel.chunks) bytes += chunk.size() + kPerChunk;
  }
  return bytes;
}

class ObjectWriter {
 public:
  ObjectWriter(const Target& target, std::unique_ptr<McTarget> mc) : target_(target), mc_(std::move(mc)) {}

  Result<std::string> write(std::span<const KernelCode> kernels) {
    std::string bytes;
    bytes.reserve(expected_bytes(kernels));
    StringStream out(bytes);
    std::string complaint;
    context().setDiagnosticHandler([&](const llvm::SMDiagnostic& d, bool, const llvm::SourceMgr&,
                                       std::vector<const llvm::MDNode*>&) { complaint = d.getMessage().str(); });
    const std::unique_ptr<llvm::MCStreamer> streamer = create_streamer(out);
    streamer_ = static_cast<llvm::MCObjectStreamer*>(streamer.get());
    begin();
    for (const KernelCode& kernel : kernels) emit(kernel);
    streamer_->finish();
    if (context().hadError()) return internal_error("LLVM refused an object for {}: {}", target_.name, complaint);
    return bytes;
  }

 private:
  /// A symbol and the expression for its address.
  struct Symbol {
    llvm::MCSymbol* symbol;
    const llvm::MCExpr* address;
  };

  llvm::MCContext& context() { return mc_->context(); }
  bool elf() const { return target_.format == ObjectFormat::kElf; }

  std::unique_ptr<llvm::MCStreamer> create_streamer(llvm::raw_pwrite_stream& out) {
    std::unique_ptr<llvm::MCAsmBackend> backend(
        mc_->target().createMCAsmBackend(mc_->subtarget(), mc_->registers(), llvm::MCTargetOptions()));
    std::unique_ptr<llvm::MCObjectWriter> writer = backend->createObjectWriter(out);
    std::unique_ptr<llvm::MCCodeEmitter> emitter(mc_->target().createMCCodeEmitter(mc_->instructions(), context()));
    return std::unique_ptr<llvm::MCStreamer>(
        mc_->target().createMCObjectStreamer(context().getTargetTriple(), context(), std::move(backend),
                                             std::move(writer), std::move(emitter), mc_->subtarget()));
  }

  void begin() {
    streamer_->initSections(/*NoExecStack=*/elf(), mc_->subtarget());
    if (elf()) return;
    streamer_->emitVersionForTarget(context().getTargetTriple(), llvm::VersionTuple(), nullptr, llvm::VersionTuple());
    streamer_->emitAssemblerFlag(llvm::MCAF_SubsectionsViaSymbols);
  }

  void emit(const KernelCode& kernel) {
    const KernelProgram& p = *kernel.program;
    sections_ = elf() ? elf_sections_of(context(), p.name) : macho_sections_of(context());
    emit_code(kernel);
    switch_to(sections_.constants, kCacheLine);
    const Symbol weights = define(p.name + ".weights", llvm::MCSA_ELF_TypeObject);
    emit_constant(weights, {reinterpret_cast<const char*>(p.stream.data()), p.stream.size() * sizeof(float)});
    streamer_->emitValueToAlignment(kCacheLine);
    const Symbol indices = define(p.name + ".indices", llvm::MCSA_ELF_TypeObject);
    emit_constant(indices, indices_of(p));
    streamer_->emitValueToAlignment(kCacheLine);
    const Symbol groups = define(p.name + ".groups", llvm::MCSA_ELF_TypeObject);
    emit_constant(groups, groups_of(p));
    const llvm::MCExpr* order = emit_output_order(p);
    const Symbol name = define(p.name + ".name", llvm::MCSA_ELF_TypeObject);
    emit_constant(name, {p.name.c_str(), p.name.size() + 1});
    const Symbol chunks = emit_chunk_table(p);
    emit_descriptor(p, {{offsetof(espalier_kernel, name), name.address},
                        {offsetof(espalier_kernel, groups), groups.address},
                        {offsetof(espalier_kernel, chunks), chunks.address},
                        {offsetof(espalier_kernel, weights), weights.address},
                        {offsetof(espalier_kernel, indices), indices.address},
                        {offsetof(espalier_kernel, output_order), order}});
  }

  /// Null where rows are channels.
  const llvm::MCExpr* emit_output_order(const KernelProgram& p) {
    if (p.output_order.empty()) return llvm::MCConstantExpr::create(0, context());
    const Symbol order = define(p.name + ".output_order", llvm::MCSA_ELF_TypeObject);
    emit_constant(order, output_order_of(p));
    return order.address;
  }

  void emit_code(const KernelCode& kernel) {
    functions_.clear();
    streamer_->switchSection(sections_.code);
    mark_as_instructions();
    std::map<std::string_view, Symbol> written;  // chunks of equal loops share their code
    for (size_t i = 0; i < kernel.chunks.size(); ++i) {
      if (const auto equal = written.find(kernel.chunks[i]); equal != written.end()) {
        functions_.push_back(equal->second);
        continue;
      }
      streamer_->emitCodeAlignment(kCacheLine, &mc_->subtarget());
      const std::string name = fmt::format("{}.chunk.{}", kernel.program->name, i);
      functions_.push_back(define(name, llvm::MCSA_ELF_TypeFunction));
      emit_bytes(kernel.chunks[i]);
      set_size(functions_.back(), kernel.chunks[i].size());
      written.emplace(kernel.chunks[i], functions_.back());
    }
  }

  Symbol emit_chunk_table(const KernelProgram& p) {
    switch_to(sections_.pointers, kCacheLine);
    const Symbol table = define(p.name + ".chunks", llvm::MCSA_ELF_TypeObject);
    for (size_t i = 0; i < p.chunks.size(); ++i) {
      streamer_->emitValue(functions_[i].address, sizeof(espalier_chunk::run));
      streamer_->emitIntValue(p.chunks[i].stream_offset, sizeof(espalier_chunk::weights_offset));
      streamer_->emitIntValue(p.chunks[i].index_offset * p.index_bytes, sizeof(espalier_chunk::indices_offset));
    }
    set_size(table, p.chunks.size() * sizeof(espalier_chunk));
    return table;
  }

  /// A field of the descriptor that holds an address; in the order of the fields.
  struct Pointer {
    size_t offset;
    const llvm::MCExpr* address;
  };
  void emit_descriptor(const KernelProgram& p, std::initializer_list<Pointer> pointers) {
    const espalier_kernel descriptor = descriptor_of(p);
    const llvm::StringRef image(reinterpret_cast<const char*>(&descriptor), sizeof descriptor);
    switch_to(sections_.pointers, kCacheLine);
    const Symbol kernel = define(p.name, llvm::MCSA_ELF_TypeObject, /*global=*/true);
    size_t done = 0;
    for (const Pointer& pointer : pointers) {
      streamer_->emitBytes(image.slice(done, pointer.offset));
      streamer_->emitValue(pointer.address, sizeof(void*));
      done = pointer.offset + sizeof(void*);
    }
    streamer_->emitBytes(image.substr(done));
    set_size(kernel, sizeof descriptor);
  }

  void switch_to(llvm::MCSection* section, llvm::Align alignment) {
    streamer_->switchSection(section);
    streamer_->emitValueToAlignment(alignment);
  }

  Symbol define(const std::string& name, llvm::MCSymbolAttr elf_type, bool global = false) {
    llvm::MCSymbol* symbol = context().getOrCreateSymbol((elf() ? "" : "_") + name);
    if (global) streamer_->emitSymbolAttribute(symbol, llvm::MCSA_Global);
    if (elf()) streamer_->emitSymbolAttribute(symbol, elf_type);
    streamer_->emitLabel(symbol);
    return {symbol, llvm::MCSymbolRefExpr::create(symbol, context())};
  }

  void set_size(Symbol symbol, size_t bytes) {
    if (elf())
      streamer_->emitELFSize(symbol.symbol, llvm::MCConstantExpr::create(static_cast<int64_t>(bytes), context()));
  }

  void emit_constant(Symbol symbol, llvm::StringRef bytes) {
    streamer_->emitBytes(bytes);
    set_size(symbol, bytes.size());
  }

  /// Not the target's own emitBytes: AArch64's would mark the code as data.
  void emit_bytes(llvm::StringRef code) { streamer_->MCObjectStreamer::emitBytes(code); }

  /// The mapping symbol by which AArch64 ELF tells instructions from data; disassemblers go by it.
  void mark_as_instructions() {
    if (!elf() || target_.isa != Isa::kAArch64) return;
    auto* symbol = static_cast<llvm::MCSymbolELF*>(context().createLocalSymbol("$x"));
    streamer_->emitLabel(symbol);
    symbol->setType(llvm::ELF::STT_NOTYPE);
    symbol->setBinding(llvm::ELF::STB_LOCAL);
  }

  const Target& target_;
  std::unique_ptr<McTarget> mc_;
  llvm::MCObjectStreamer* streamer_ = nullptr;
  Sections sections_{};
  std::vector<Symbol> functions_;
};

Status check(std::span<const KernelCode> kernels, const Target& target) {
  if (target.format != ObjectFormat::kElf && target.format != ObjectFormat::kMachO)
    return unsupported("target {} has no native objects", target.name);
  std::set<std::string_view> names;
  for (const KernelCode& kernel : kernels) {
    const KernelProgram& p = *kernel.program;
    if (p.target.name != target.name)
      return internal_error("kernel {} was compiled for {}, but the object is for {}", p.name, p.target.name,
                            target.name);
    if (kernel.chunks.size() != p.chunks.size())
      return internal_error("kernel {} has code for {} chunks of {}", p.name, kernel.chunks.size(), p.chunks.size());
    if (!names.insert(p.name).second) return bad_input("two kernels are named {}", p.name);
  }
  return {};
}

}  // namespace

Result<std::string> write_object(std::span<const KernelCode> kernels, const Target& target) {
  if (Status s = check(kernels, target); !s) return std::move(s).error();
  auto mc = McTarget::create(target.triple, "", "");
  if (!mc) return std::move(mc).error();
  return ObjectWriter(target, std::move(*mc)).write(kernels);
}

}  // namespace espalier
