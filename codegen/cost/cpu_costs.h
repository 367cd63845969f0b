// What the cost model knows about a CPU besides its caches (ir/target.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace espalier {

/// Rates per cycle of one core; vectors are the ISA's full ones. Bytes per cycle at which straight code reaches the
/// back end: from L1I, from L2, from farther; data likewise into L1D, where data_far is the rate of what prefetchers do
/// not hide.
struct CpuCosts {
  std::string_view cpu;
  double fmas, fma_latency, loads, stores, instructions;  ///< latency: cycles from sum to sum
  double code_near, code_l2, code_far;
  double data_l2, data_far;
  double ghz;                ///< to express cycles as time
  bool in_order = false;     ///< loads and multiply-adds do not overlap
  bool prefetch = false;     ///< its own prefetchers do not find the rows of a panel or tile that comes next
  uint32_t row_groups = 8;   ///< of rolled forms, for threads to share, where there is one pixel block
  double pattern_end = 0;    ///< cycles that the end of a pattern's loop takes beyond its instructions
  double vector_end = 9;     ///< instructions that nothing hides per vector of a rolled tile: started, finished, stored
  double column = 0;         ///< the same of a column of a loop or pattern: loads that nothing hides
  double image_stall = 1;    ///< times what traffic between L1D and L2 does not hide for images elsewhere
  double image_l1 = 0.58;    ///< share of L1D that keeps what a tile of an image reads; rows crowd some of the sets
  double image_partial = 0;  ///< cycles of a vector of an image that a K block leaves for the next one
  double panel_partial = 0;  ///< the same of panels
  double tile_end = 0;       ///< cycles that the end of a loop's rows takes beyond its instructions
  double miss_stall = 1;     ///< times what loads wait for that L1D does not keep
  double image_width = 0;    ///< share of the multiply-adds' time that each line of an image's tile beyond two costs
  double wider_panel = 1;    ///< a wider panel must be predicted to take this share of a narrower one's time, or less
  /// Straight code comes from L2 up to one share of it, from farther away above the other.
  double code_in_l2 = 0.44, code_beyond_l2 = 1;
  uint32_t near_bytes = 0;  ///< of straight code that are fetched at code_near (0: as many as L1I holds)
  /// Of straight code between two pixel tiles, where L2 serves it about as well as L1I (0: as L1I allows).
  uint32_t chunk_bytes = 0;
  double code_l1i = 0;       ///< rate of more than near_bytes, as far as L1I holds them
  double straight_miss = 0;  ///< times the share of loads that miss L1D, times miss_stall, in straight code (0: once)
  /// Activations of more than so many L2s, in panels and in images, are fetched ahead by straight code (0: never).
  double far_panels = 0, far_images = 0;
  /// Pages of 4 KiB that the first level of the TLB keeps (0: activations are in huge pages), and cycles of a miss.
  double pages = 0, page_miss = 0;
  double panel_l1 = 0.96;    ///< share of L1D that keeps what a tile of a panel reads
  double run_start = 0;      ///< cycles until lines of another row of an image come from beyond L2
  /// Cycles of a non-zero of a rolled tile of one vector, or less, that full tiles of an image leave over, beyond its
  /// instructions: sums wait for one another and for rows that nothing has fetched ahead.
  double narrow_tail = 0;
  bool touches = false;      ///< loads of what comes soon overlap, where there are no hints
  bool image_lines = false;  ///< images by the lines that their tiles touch, not by the vectors
};

/// The entry of a CPU (Cpu::name); every CPU of ir/target.cpp has one.
const CpuCosts& cpu_costs(std::string_view cpu);

}  // namespace espalier
