#include "backends/mc/code_price.h"

#include <algorithm>

#include "backends/mc/mc_target.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/MCA/Context.h"
#include "llvm/MCA/CustomBehaviour.h"
#include "llvm/MCA/InstrBuilder.h"
#include "llvm/MCA/Pipeline.h"
#include "llvm/MCA/SourceMgr.h"

namespace espalier {
namespace {

constexpr size_t kMostDecoded = 8192;   // instructions of a chunk: all rolled code, a stretch of straight code
constexpr size_t kMostStraight = 4096;  // priced of it
constexpr size_t kExecuted = 20000;     // instructions of a loop's turns, until their average counts
constexpr unsigned kCallLatency = 100;  // kernels call nothing

struct Decoded {
  llvm::MCInst inst;
  uint64_t address = 0;
  std::optional<uint64_t> jumps_to = std::nullopt;
  bool multiplies = false;
};
using Stretch = std::span<const Decoded>;

size_t multiply_adds(Stretch code) {
  return static_cast<size_t>(std::count_if(code.begin(), code.end(), [](const Decoded& d) { return d.multiplies; }));
}

/// Decodes and prices with the objects of one target.
class Analyser {
 public:
  explicit Analyser(const McTarget& mc) : mc_(mc), analysis_(mc.target().createMCInstrAnalysis(&mc.instructions())) {}

  std::vector<Decoded> decode(std::string_view code) const {
    std::vector<Decoded> decoded;
    mc_.decode(code, [&](const McTarget::Place& at) {
      if (!at.instruction) return false;
      Decoded d{.inst = *at.instruction, .address = at.offset};
      uint64_t target = 0;
      if (analysis_->isBranch(d.inst) && analysis_->evaluateBranch(d.inst, at.offset, at.size, target))
        d.jumps_to = target;
      d.multiplies = is_multiply_add(mc_.instructions().getName(d.inst.getOpcode()));
      decoded.push_back(std::move(d));
      return decoded.size() < kMostDecoded;
    });
    return decoded;
  }

  std::optional<CodePrice> price(Stretch code, size_t turns) const {
    llvm::mca::InstrumentManager instruments(mc_.subtarget(), mc_.instructions());
    // Instructions refer to what the builder knows of them.
    llvm::mca::InstrBuilder builder(mc_.subtarget(), mc_.instructions(), mc_.registers(), analysis_.get(), instruments,
                                    kCallLatency);
    const std::vector<std::unique_ptr<llvm::mca::Instruction>> instructions = instructions_of(code, builder);
    if (instructions.empty()) return std::nullopt;
    llvm::mca::CircularSourceMgr source(instructions, static_cast<unsigned>(turns));
    llvm::mca::CustomBehaviour behaviour(mc_.subtarget(), source, mc_.instructions());
    llvm::mca::Context context(mc_.registers(), mc_.subtarget());
    const llvm::mca::PipelineOptions options(0, 0, 0, 0, 0, 0, /*NoAlias=*/true);
    const auto pipeline = context.createDefaultPipeline(options, source, behaviour);
    llvm::Expected<unsigned> cycles = pipeline->run();
    if (!cycles) {
      llvm::consumeError(cycles.takeError());
      return std::nullopt;
    }
    return CodePrice{double(*cycles) / double(turns), double(code.size()), double(multiply_adds(code))};
  }

 private:
  static bool is_multiply_add(llvm::StringRef name) { return name.starts_with("FMLA") || name.starts_with("VFMADD"); }

  /// What the model does not know, hints for instance, is left out.
  static std::vector<std::unique_ptr<llvm::mca::Instruction>> instructions_of(Stretch code,
                                                                              llvm::mca::InstrBuilder& builder) {
    std::vector<std::unique_ptr<llvm::mca::Instruction>> made;
    for (const Decoded& d : code) {
      auto instruction = builder.createInstruction(d.inst, {});
      if (instruction)
        made.push_back(std::move(*instruction));
      else
        llvm::consumeError(instruction.takeError());
    }
    return made;
  }

  const McTarget& mc_;
  std::unique_ptr<llvm::MCInstrAnalysis> analysis_;
};

/// The body of the innermost loop with the most multiply-adds, its branch included.
Stretch inner_loop(Stretch code) {
  Stretch best;
  size_t last_loop = 0;  // one behind its branch
  for (size_t i = 0; i < code.size(); ++i) {
    if (!code[i].jumps_to || *code[i].jumps_to > code[i].address) continue;
    const auto first = std::lower_bound(code.begin(), code.begin() + static_cast<ptrdiff_t>(i), *code[i].jumps_to,
                                        [](const Decoded& d, uint64_t address) { return d.address < address; }) -
                       code.begin();
    const Stretch body = code.subspan(static_cast<size_t>(first), i + 1 - static_cast<size_t>(first));
    const bool innermost = static_cast<size_t>(first) >= last_loop;
    if (innermost && multiply_adds(body) > multiply_adds(best)) best = body;
    last_loop = i + 1;
  }
  return best;
}

std::optional<CodePrice> price_chunk(const Analyser& analyser, std::string_view bytes) {
  const std::vector<Decoded> code = analyser.decode(bytes);
  if (const Stretch loop = inner_loop(code); !loop.empty())
    return analyser.price(loop, std::max<size_t>(1, kExecuted / loop.size()));
  const Stretch straight = Stretch(code).first(std::min(code.size(), kMostStraight));
  return multiply_adds(straight) > 0 ? analyser.price(straight, 1) : std::nullopt;
}

/// None of which stands for all.
bool has_many_loops(const Schedule& schedule) { return schedule.form == CodeForm::kNano || !schedule.parts.empty(); }

}  // namespace

bool has_price(const Target& target) {
  return (target.isa == Isa::kX86_64 || target.isa == Isa::kAArch64) && target.cpu->has_llvm_model;
}

Result<std::optional<CodePrice>> price_inner_code(const KernelCode& code, const Target& target) {
  if (!has_price(target) || has_many_loops(code.program->schedule)) return std::optional<CodePrice>();
  const auto mc = McTarget::create(target.triple, target.cpu->llvm_name, "");
  if (!mc) return mc.error();
  if (!(*mc)->subtarget().getSchedModel().hasInstrSchedModel()) return std::optional<CodePrice>();
  // All chunks of rolled code are alike; of straight code the one that multiplies most stands for all.
  size_t most = 0;
  const std::vector<Chunk>& chunks = code.program->chunks;
  for (size_t c = 1; c < chunks.size(); ++c)
    if (chunks[c].nonzeros > chunks[most].nonzeros) most = c;
  if (chunks.empty()) return std::optional<CodePrice>();
  return price_chunk(Analyser(**mc), code.chunks[most]);
}

}  // namespace espalier
