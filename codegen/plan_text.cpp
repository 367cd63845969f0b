#include "codegen/plan_text.h"

namespace espalier {
namespace {

void describe_shapes(std::string& out, std::string_view what, const std::vector<PixelTileShape>& shapes) {
  for (const PixelTileShape& shape : shapes) {
    fmt::format_to(std::back_inserter(out), "{} {}:", what,
                   shape.remainder ? "remainder" : std::to_string(shape.width));
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
  describe_shapes(out, "pixel tile", plan.shapes);
  describe_shapes(out, "pixel tile by loops", plan.tail_shapes);
  describe_chunks(out, plan);
  return plan.program.chunks.empty() ? out : out + print(plan.program);
}

}  // namespace espalier
