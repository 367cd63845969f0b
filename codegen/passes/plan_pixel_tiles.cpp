#include <algorithm>
#include <bit>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Full vectors from pixel 0 on; the last one has what is left of `width`.
PixelTileShape tile_of(uint32_t width, uint32_t lanes) {
  PixelTileShape shape{width, false, {}};
  for (uint32_t first = 0; first < width; first += lanes)
    shape.pieces.push_back({first, static_cast<uint8_t>(std::min(lanes, width - first))});
  return shape;
}

/// Fewer pixels than a vector has lanes, for targets that load 1, 2, 4, ... lanes: the largest that fits, and once more
/// at the other end, overlapping, when that leaves some over.
PixelTileShape narrow_tile(uint32_t pixels) {
  const uint32_t lanes = std::bit_floor(pixels);
  PixelTileShape shape{pixels, false, {{0, static_cast<uint8_t>(lanes)}}};
  if (pixels > lanes) shape.pieces.push_back({pixels - lanes, static_cast<uint8_t>(lanes)});
  return shape;
}

/// Whether both vectors of a narrow tile fit the registers, with an input vector that is loaded on its own.
bool has_room_for_pair(const VectorIsa& isa, CodeForm form, uint32_t rows) {
  return registers_needed(isa, form, rows, 2) + (isa.has_fma_load ? 1 : 0) <= isa.registers;
}

/// A known number of pixels left over after the full tiles; at least one vector, or with masks any.
PixelTileShape tail_tile(uint32_t pixels, const VectorIsa& isa) {
  PixelTileShape shape = tile_of(pixels / isa.lanes * isa.lanes, isa.lanes);
  const uint32_t rest = pixels % isa.lanes;
  if (rest == 0) return shape;
  if (isa.has_masks)
    shape.pieces.push_back({shape.width, static_cast<uint8_t>(rest)});
  else
    shape.pieces.push_back({pixels - isa.lanes, static_cast<uint8_t>(isa.lanes)});
  shape.width = pixels;
  return shape;
}

/// Where the tiles behind the full ones go: to loops, or to more straight code.
std::vector<PixelTileShape>& tail_of(KernelPlan& plan) {
  const bool loops = plan.schedule.tail == 1 && has_tail(plan.spec, *plan.target.vector, plan.schedule);
  return loops ? plan.tail_shapes : plan.shapes;
}

/// Fewer pixels than a vector has lanes: one tile where it has the registers, else tiles of single vectors.
void add_narrow_tiles(KernelPlan& plan, uint32_t pixels) {
  if (has_room_for_pair(*plan.target.vector, plan.schedule.form, plan.schedule.tile_rows)) {
    tail_of(plan).push_back(narrow_tile(pixels));
    return;
  }
  for (; pixels > 0; pixels -= std::bit_floor(pixels)) tail_of(plan).push_back(narrow_tile(std::bit_floor(pixels)));
}

void fixed_tiles(KernelPlan& plan, uint32_t pixels) {
  const VectorIsa& isa = *plan.target.vector;
  const uint32_t width = tile_pixels(plan.spec, isa, plan.schedule.tile_vectors);
  if (pixels >= width) plan.shapes.push_back(tile_of(width, isa.lanes));
  const uint32_t rest = pixels % width;
  if (rest == 0) return;
  if (rest < isa.lanes && !isa.has_masks)
    add_narrow_tiles(plan, rest);
  else
    tail_of(plan).push_back(tail_tile(rest, isa));
}

/// Any pixel count: full tiles, then single vectors, then the remainder by mask or by halves.
void run_time_tiles(KernelPlan& plan) {
  const VectorIsa& isa = *plan.target.vector;
  plan.shapes.push_back(tile_of(tile_pixels(plan.spec, isa, plan.schedule.tile_vectors), isa.lanes));
  std::vector<PixelTileShape>& tail = tail_of(plan);
  if (plan.schedule.tile_vectors > 1) tail.push_back(tile_of(isa.lanes, isa.lanes));
  if (isa.has_masks) {
    tail.push_back({0, true, {{0, kRemainingLanes}}});
  } else {
    for (uint32_t lanes = isa.lanes / 2; lanes > 0; lanes /= 2) tail.push_back(narrow_tile(lanes));
  }
}

}  // namespace

Status plan_pixel_tiles(KernelPlan& plan) {
  if (plan.program.pixel_multiple != 1)  // whole tiles, whatever the count
    plan.shapes.push_back(
        tile_of(tile_pixels(plan.spec, *plan.target.vector, plan.schedule.tile_vectors), plan.target.vector->lanes));
  else if (plan.spec.pixels)
    fixed_tiles(plan, *plan.spec.pixels);
  else
    run_time_tiles(plan);
  return {};
}

}  // namespace espalier
