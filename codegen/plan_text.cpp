#include "codegen/plan_text.h"

namespace espalier {
namespace {

void describe_shapes(std::string& out, const KernelPlan& plan) {
  for (const PixelTileShape& shape : plan.shapes) {
    fmt::format_to(std::back_inserter(out),
                   "pixel tile {}:", shape.remainder ? "remainder" : std::to_string(shape.width));
    for (const VectorPiece& piece : shape.pieces)
      fmt::format_to(std::back_inserter(out), " {}+{}", piece.column, piece.lanes);
    out += '\n';
  }
}

void describe_chunks(std::string& out, const KernelPlan& plan) {
  for (size_t c = 0; c < plan.chunks.size(); ++c) {
    fmt::format_to(std::back_inserter(out), "chunk {}: {} column uses\n", c, plan.chunks[c].uses.size());
    for (const RowTile& t : plan.chunks[c].tiles)
      fmt::format_to(std::back_inserter(out), "  rows {}+{} uses {}{}{}\n", t.first_row, t.rows, t.uses,
                     t.starts ? " starts" : "", t.finishes ? " finishes" : "");
  }
}

}  // namespace

std::string describe(const KernelPlan& plan) {
  std::string out = fmt::format("kernel {}\nschedule {}\n", plan.spec.name, to_string(plan.schedule));
  describe_shapes(out, plan);
  describe_chunks(out, plan);
  return plan.program.chunks.empty() ? out : out + print(plan.program);
}

}  // namespace espalier
