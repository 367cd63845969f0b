// Objects: read back with LLVM's object readers, linked and called.
#include "backends/mc/object_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backends/mc/assembly_listing.h"
#include "espalier/runtime.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Object/MachO.h"
#include "llvm/Object/ObjectFile.h"
#include "test/support/command.h"
#include "test/support/temporary_folder.h"

namespace espalier {
namespace {

using llvm::object::ObjectFile;
using llvm::object::SymbolRef;
using test::run_command;
using testing::HasSubstr;

const std::string kX86Return = "\xc3";
const std::string kArmReturn("\xc0\x03\x5f\xd6", 4);

/// A kernel of two row groups, three chunks and five weights; its code is given by the test.
KernelProgram program_for(std::string_view target, std::string name) {
  KernelProgram p;
  p.name = std::move(name);
  p.target = *find_target(target);
  p.output_channels = 6, p.input_channels = 7, p.nonzeros = 11;
  p.pixels = 0, p.input_stride = 20, p.output_stride = 24, p.pixel_block = 12;
  p.groups = {{0, 4, 0, 2}, {4, 2, 2, 1}};
  p.chunks = {{0, 2, 5, 0, 0, {}}, {2, 1, 4, 0, 0, {}}, {3, 2, 2, 0, 0, {}}};
  p.stream = {1.5f, -2.5f, 0.25f, 4096.0f, -0.0f};
  return p;
}

/// Chunks of 3, 2 and 1 returns.
KernelCode code_of(const KernelProgram& program, const std::string& one_return) {
  const std::string two_returns = one_return + one_return;
  return {&program, {two_returns + one_return, two_returns, one_return}};
}

struct ParsedSymbol {
  uint64_t address, size;
  bool global, function;
  std::string section;
};

std::map<std::string, ParsedSymbol> symbols_of(const ObjectFile& object) {
  std::map<std::string, ParsedSymbol> symbols;
  for (const SymbolRef& symbol : object.symbols()) {
    const auto section = *symbol.getSection();
    if (section == object.section_end()) continue;
    const uint64_t size = object.isELF() ? llvm::object::ELFSymbolRef(symbol).getSize() : 0;
    symbols[symbol.getName()->str()] = {*symbol.getAddress(), size, (*symbol.getFlags() & SymbolRef::SF_Global) != 0,
                                        *symbol.getType() == SymbolRef::ST_Function, section->getName()->str()};
  }
  return symbols;
}

/// An object and the bytes it is parsed from.
struct ParsedObject {
  std::string bytes;
  std::unique_ptr<ObjectFile> file;
};

ParsedObject object_of(std::string_view target, const std::string& one_return) {
  const KernelProgram program = program_for(target, "layer");
  const KernelCode code = code_of(program, one_return);
  auto bytes = write_object(std::span(&code, 1), program.target);
  EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message);
  ParsedObject parsed{*bytes, nullptr};
  auto file = ObjectFile::createObjectFile(llvm::MemoryBufferRef(parsed.bytes, "layer.o"));
  EXPECT_TRUE(bool(file));
  if (file) parsed.file = std::move(*file);
  return parsed;
}

size_t count_relocations(const ObjectFile& object, std::string_view section_name) {
  size_t count = 0;
  for (const auto& section : object.sections()) {
    const auto relocated = object.isELF() ? *section.getRelocatedSection() : llvm::object::section_iterator(section);
    if (relocated == object.section_end() || *relocated->getName() != llvm::StringRef(section_name)) continue;
    for (const auto& relocation : section.relocations()) (void)relocation, ++count;
  }
  return count;
}

class ElfObject : public testing::TestWithParam<std::string_view> {
 protected:
  std::string one_return() const { return GetParam() == "x86_64-linux" ? kX86Return : kArmReturn; }
};
std::string name_of(const testing::TestParamInfo<std::string_view>& test) {
  return std::string(test.param.substr(0, test.param.find('-')));
}
INSTANTIATE_TEST_SUITE_P(Targets, ElfObject, testing::Values("x86_64-linux", "aarch64-linux"), name_of);

TEST_P(ElfObject, HasTheDocumentedSymbols) {
  const ParsedObject object = object_of(GetParam(), one_return());
  ASSERT_TRUE(object.file);
  auto symbols = symbols_of(*object.file);
  const auto& kernel = symbols.at("layer");
  EXPECT_TRUE(kernel.global && !kernel.function);
  EXPECT_EQ(kernel.size, sizeof(espalier_kernel));
  EXPECT_EQ(kernel.section, ".data.rel.ro.layer");
  EXPECT_EQ(symbols.at("layer.chunks").size, 3 * sizeof(espalier_chunk));
  EXPECT_EQ(symbols.at("layer.weights").size, 5 * sizeof(float));
  EXPECT_EQ(symbols.at("layer.groups").size, 2 * sizeof(espalier_row_group));
  EXPECT_EQ(symbols.at("layer.name").size, 6u);
  for (const char* name : {"layer.weights", "layer.groups", "layer.name"})
    EXPECT_EQ(symbols.at(name).section, ".rodata.layer");
  for (auto& [name, symbol] : symbols) EXPECT_EQ(symbol.global, name == "layer") << name;
}

TEST_P(ElfObject, AlignsChunksAndWeightsToCacheLines) {
  const ParsedObject object = object_of(GetParam(), one_return());
  ASSERT_TRUE(object.file);
  auto symbols = symbols_of(*object.file);
  const size_t one = one_return().size();
  for (int i = 0; i < 3; ++i) {
    const ParsedSymbol& chunk = symbols.at(fmt::format("layer.chunk.{}", i));
    EXPECT_TRUE(chunk.function && chunk.section == ".text.layer");
    EXPECT_EQ(chunk.address, 64u * i);
    EXPECT_EQ(chunk.size, (3 - i) * one);
  }
  EXPECT_EQ(symbols.at("layer.weights").address % 64, 0u);
  EXPECT_EQ(symbols.at("layer.groups").address % 64, 0u);
  for (const auto& section : object.file->sections()) {
    const bool ours = section.getName()->ends_with(".layer") && !section.getName()->starts_with(".rela");
    EXPECT_EQ(section.getAlignment().value(), ours ? 64u : section.getAlignment().value()) << section.getName()->str();
  }
}

TEST_P(ElfObject, RelocatesPointersOnly) {
  const ParsedObject object = object_of(GetParam(), one_return());
  ASSERT_TRUE(object.file);
  EXPECT_EQ(count_relocations(*object.file, ".data.rel.ro.layer"), 3u + 5u);
  EXPECT_EQ(count_relocations(*object.file, ".text.layer"), 0u);
  EXPECT_EQ(count_relocations(*object.file, ".rodata.layer"), 0u);
}

TEST_P(ElfObject, AsksForNoExecutableStack) {
  const ParsedObject object = object_of(GetParam(), one_return());
  ASSERT_TRUE(object.file);
  bool found = false;
  for (const auto& section : object.file->sections())
    if (*section.getName() == ".note.GNU-stack") {
      found = true;
      EXPECT_EQ(llvm::object::ELFSectionRef(section).getFlags() & llvm::ELF::SHF_EXECINSTR, 0u);
    }
  EXPECT_TRUE(found);
}

TEST_P(ElfObject, IsTheSameEveryTime) {
  EXPECT_EQ(object_of(GetParam(), one_return()).bytes, object_of(GetParam(), one_return()).bytes);
}

TEST(AArch64Object, MarksItsCodeAsInstructions) {
  const ParsedObject object = object_of("aarch64-linux", kArmReturn);
  ASSERT_TRUE(object.file);
  std::vector<std::string> in_text;
  for (auto& [name, symbol] : symbols_of(*object.file))
    if (name[0] == '$' && symbol.section == ".text.layer") in_text.push_back(name);
  EXPECT_THAT(in_text, testing::ElementsAre("$x"));
}

class MachOObject : public ElfObject {
 protected:
  std::string code() const { return GetParam() == "x86_64-macos" ? kX86Return : kArmReturn; }
};
INSTANTIATE_TEST_SUITE_P(Targets, MachOObject, testing::Values("x86_64-macos", "aarch64-macos"), name_of);

TEST_P(MachOObject, HasTheDocumentedSymbols) {
  const ParsedObject object = object_of(GetParam(), code());
  ASSERT_TRUE(object.file);
  auto symbols = symbols_of(*object.file);
  EXPECT_TRUE(symbols.at("_layer").global);
  EXPECT_EQ(symbols.at("_layer").section, "__const");
  for (int i = 0; i < 3; ++i) {
    const ParsedSymbol& chunk = symbols.at(fmt::format("_layer.chunk.{}", i));
    EXPECT_EQ(chunk.section, "__text");
    EXPECT_EQ(chunk.address, 64u * i);
  }
  EXPECT_EQ(symbols.at("_layer.weights").address % 64, 0u);
  for (auto& [name, symbol] : symbols) EXPECT_EQ(symbol.global, name == "_layer") << name;
}

TEST_P(MachOObject, RelocatesPointersInTheDataSegmentOnly) {
  const ParsedObject object = object_of(GetParam(), code());
  ASSERT_TRUE(object.file);
  const auto& macho = llvm::cast<llvm::object::MachOObjectFile>(*object.file);
  for (const auto& section : macho.sections()) {
    size_t count = 0;
    for (const auto& relocation : section.relocations()) (void)relocation, ++count;
    const llvm::StringRef segment = macho.getSectionFinalSegmentName(section.getRawDataRefImpl());
    EXPECT_EQ(count, segment == "__DATA" ? 8u : 0u) << segment.str() << "," << section.getName()->str();
  }
}

TEST_P(MachOObject, NamesItsPlatformAndSplitsIntoSubsections) {
  const ParsedObject object = object_of(GetParam(), code());
  ASSERT_TRUE(object.file);
  const auto& macho = llvm::cast<llvm::object::MachOObjectFile>(*object.file);
  bool platform = false;
  for (const auto& command : macho.load_commands()) platform |= command.C.cmd == llvm::MachO::LC_BUILD_VERSION;
  EXPECT_TRUE(platform);
  EXPECT_TRUE(macho.getHeader().flags & llvm::MachO::MH_SUBSECTIONS_VIA_SYMBOLS);
}

TEST_P(MachOObject, IsReadByReadobj) {
  if (!test::have_program("llvm-readobj-19")) GTEST_SKIP() << "llvm-readobj-19 is not installed";
  const test::TemporaryFolder folder;
  const std::string path = folder.write("layer.o", object_of(GetParam(), code()).bytes);
  const auto result = run_command("llvm-readobj-19 --file-headers --sections --symbols --relocs " + path);
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output,
              HasSubstr(GetParam() == "x86_64-macos" ? "X86_64_RELOC_UNSIGNED" : "ARM64_RELOC_UNSIGNED"));
  EXPECT_THAT(result.output, testing::Not(HasSubstr("warning")));
}

// A C program that checks every field of `layer` and calls each of its functions through the contract.
const char* const kDescriptorCheck = R"(
#include <stdio.h>
#include <string.h>
#include "espalier/kernel_abi.h"
#define CHECK(condition) if (!(condition)) return printf("failed: %s\n", #condition), 1
int check_layer(const espalier_kernel* k) {
  const float weights[5] = {1.5f, -2.5f, 0.25f, 4096.0f, -0.0f};
  const espalier_row_group groups[2] = {{0, 4, 0, 2}, {4, 2, 2, 1}};
  const uint64_t offsets[3] = {0, 2, 3};
  CHECK(k->abi_version == ESPALIER_ABI_VERSION && k->struct_bytes == sizeof *k);
  CHECK(strcmp(k->name, "layer") == 0);
  CHECK(k->cpu_features == CPU_FEATURES);
  CHECK(k->nonzeros == 11 && k->output_channels == 6 && k->input_channels == 7);
  CHECK(k->input_stride == 20 && k->output_stride == 24);
  CHECK(k->pixels == 0 && k->max_pixels == 20 && k->pixel_block == 12 && k->pixel_multiple == 1);
  CHECK(k->group_count == 2 && memcmp(k->groups, groups, sizeof groups) == 0);
  CHECK(k->weights_count == 5 && memcmp(k->weights, weights, sizeof weights) == 0);
  CHECK((uintptr_t)k->weights % 64 == 0 && k->chunk_count == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK((uintptr_t)k->chunks[i].run % 64 == 0);
    CHECK(k->chunks[i].weights_offset == offsets[i]);
    k->chunks[i].run(0, 0, 0, 0, 0);
  }
  espalier_kernel_run(k, k->weights, 0, 20);
  puts("all fields hold");
  return 0;
}
)";

struct LinkCase {
  std::string_view target;
  std::string compiler, runner, features;
};

/// Links the object with the check above by `flags` and runs it.
void link_and_run(const LinkCase& c, const std::string& flags) {
  for (const std::string& program : {c.compiler, c.runner})
    if (!program.empty() && !test::have_program(program)) GTEST_SKIP() << program << " is not installed";
  const test::TemporaryFolder folder;
  const std::string object =
      folder.write("layer.o", object_of(c.target, c.target == "x86_64-linux" ? kX86Return : kArmReturn).bytes);
  const std::string main = folder.write("main.c", std::string(kDescriptorCheck) +
                                                      "extern const espalier_kernel layer;\n"
                                                      "int main(void) { return check_layer(&layer); }\n");
  const auto linked =
      run_command(fmt::format("{} -Wl,--fatal-warnings -DCPU_FEATURES='{}' -I{}/runtime/include {} {} {} -o {}",
                              c.compiler, c.features, ESPALIER_SOURCE_DIR, flags, main, object, folder.path("main")));
  ASSERT_EQ(linked.status, 0) << linked.output;
  const auto result = run_command(c.runner + " " + folder.path("main"));
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "all fields hold\n");
}

const LinkCase kX86{"x86_64-linux", "gcc", "", "ESPALIER_CPU_AVX2 | ESPALIER_CPU_FMA"};
const LinkCase kArm{"aarch64-linux", "aarch64-linux-gnu-gcc", "qemu-aarch64", "ESPALIER_CPU_NEON"};

#if defined(__x86_64__) && defined(__linux__)
TEST(LinkedObject, WorksInAStaticX86Program) { link_and_run(kX86, "-static"); }
TEST(LinkedObject, WorksInAPositionIndependentX86Program) { link_and_run(kX86, "-fPIE -pie"); }

TEST(LinkedObject, LoadsFromASharedObjectThroughTheRuntime) {
  if (!test::have_program("gcc")) GTEST_SKIP() << "gcc is not installed";
  const test::TemporaryFolder folder;
  const std::string object = folder.write("layer.o", object_of("x86_64-linux", kX86Return).bytes);
  const auto linked = run_command(
      fmt::format("gcc -shared -Wl,-z,defs,-z,text,--fatal-warnings {} -o {}", object, folder.path("layer.so")));
  ASSERT_EQ(linked.status, 0) << linked.output;
  espalier_library* library = nullptr;
  char message[200] = "";
  ASSERT_EQ(espalier_library_open(folder.path("layer.so").c_str(), &library, message, sizeof message), ESPALIER_OK)
      << message;
  const espalier_kernel* kernel = nullptr;
  const espalier_status status = espalier_library_kernel(library, "layer", &kernel, message, sizeof message);
  const uint64_t needed = ESPALIER_CPU_AVX2 | ESPALIER_CPU_FMA;
  if ((espalier_host_cpu_features() & needed) == needed) {
    ASSERT_EQ(status, ESPALIER_OK) << message;
    EXPECT_STREQ(kernel->name, "layer");
    EXPECT_EQ(kernel->weights[3], 4096.0f);
    espalier_kernel_run(kernel, kernel->weights, nullptr, 20);
  } else {
    EXPECT_EQ(status, ESPALIER_CPU_MISMATCH);
  }
  espalier_library_close(library);
}
#endif

TEST(LinkedObject, WorksInAStaticAArch64Program) { link_and_run(kArm, "-static"); }
TEST(LinkedObject, WorksInAPositionIndependentAArch64Program) { link_and_run(kArm, "-static-pie -fPIE"); }

TEST(ObjectWriter, WritesEqualChunksOnce) {
  const KernelProgram p = program_for("x86_64-linux", "layer");
  const KernelCode code{&p, {kX86Return, kX86Return + kX86Return, kX86Return}};
  auto bytes = write_object(std::span(&code, 1), p.target);
  ASSERT_TRUE(bytes);
  auto file = ObjectFile::createObjectFile(llvm::MemoryBufferRef(*bytes, "equal.o"));
  ASSERT_TRUE(bool(file));
  const auto symbols = symbols_of(**file);
  EXPECT_TRUE(symbols.contains("layer.chunk.0") && symbols.contains("layer.chunk.1"));
  EXPECT_FALSE(symbols.contains("layer.chunk.2"));
  EXPECT_EQ(count_relocations(**file, ".data.rel.ro.layer"), 8u);
}

TEST(ObjectWriter, HoldsSeveralKernels) {
  const KernelProgram a = program_for("x86_64-linux", "first"), b = program_for("x86_64-linux", "second");
  const KernelCode codes[] = {code_of(a, kX86Return), code_of(b, kX86Return)};
  auto bytes = write_object(codes, a.target);
  ASSERT_TRUE(bytes);
  auto file = ObjectFile::createObjectFile(llvm::MemoryBufferRef(*bytes, "two.o"));
  ASSERT_TRUE(bool(file));
  auto symbols = symbols_of(**file);
  EXPECT_TRUE(symbols.at("first").global && symbols.at("second").global);
  for (const std::string name : {"first", "second"}) {
    EXPECT_EQ(symbols.at(name + ".chunk.0").section, ".text." + name);
    EXPECT_EQ(symbols.at(name + ".weights").section, ".rodata." + name);
    EXPECT_EQ(symbols.at(name).section, ".data.rel.ro." + name);
    EXPECT_EQ(count_relocations(**file, ".data.rel.ro." + name), 8u);
  }
}

TEST(ObjectWriter, AcceptsAKernelWithoutRows) {
  KernelProgram p = program_for("aarch64-linux", "empty");
  p.groups.clear(), p.chunks.clear(), p.stream.clear();
  const KernelCode code{&p, {}};
  auto bytes = write_object(std::span(&code, 1), p.target);
  ASSERT_TRUE(bytes) << bytes.error().message;
}

TEST(ObjectWriter, RefusesTwoKernelsOfOneName) {
  const KernelProgram p = program_for("x86_64-linux", "layer");
  const KernelCode codes[] = {code_of(p, kX86Return), code_of(p, kX86Return)};
  const auto bytes = write_object(codes, p.target);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(bytes.error().message, "two kernels are named layer");
}

TEST(ObjectWriter, RefusesTargetsWithoutObjects) {
  const auto bytes = write_object({}, *find_target("c99"));
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(bytes.error().message, "target c99 has no native objects");
}

TEST(ObjectWriter, RefusesCodeOfAnotherTarget) {
  const KernelProgram p = program_for("x86_64-linux", "layer");
  const KernelCode code = code_of(p, kX86Return);
  const auto bytes = write_object(std::span(&code, 1), *find_target("aarch64-linux"));
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().message, "kernel layer was compiled for x86_64-linux, but the object is for aarch64-linux");
}

TEST(ObjectWriter, RefusesMissingCode) {
  const KernelProgram p = program_for("x86_64-linux", "layer");
  const KernelCode code{&p, {kX86Return}};
  const auto bytes = write_object(std::span(&code, 1), p.target);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().message, "kernel layer has code for 1 chunks of 3");
}

TEST(AssemblyListing, LabelsEveryChunk) {
  const KernelProgram p = program_for("aarch64-linux", "layer");
  const auto text = print_assembly(code_of(p, kArmReturn), p.target);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text,
            "layer.chunk.0:  ; rows 0..3, 5 non-zeros, 12 bytes\n     0:\tret\n     4:\tret\n     8:\tret\n"
            "layer.chunk.1:  ; rows 0..3, 4 non-zeros, 8 bytes\n     0:\tret\n     4:\tret\n"
            "layer.chunk.2:  ; rows 4..5, 2 non-zeros, 4 bytes\n     0:\tret\n");
}

TEST(AssemblyListing, ShowsBytesThatAreNoInstruction) {
  const KernelProgram p = program_for("aarch64-linux", "layer");
  const auto text = print_assembly(code_of(p, std::string(4, '\0') + kArmReturn), p.target);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("     4:\tret\n"));
}

}  // namespace
}  // namespace espalier
