#include "codegen/network/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/sparse_matrix.h"

namespace espalier {
namespace {

using testing::ElementsAre;

TEST(MemoryPlan, BuffersThatLiveApartShareTheirPlace) {
  const std::vector<LiveBuffer> buffers = {{100, 0, 1}, {100, 2, 3}};
  const MemoryPlan plan = plan_memory(buffers);
  EXPECT_THAT(plan.offsets, ElementsAre(0, 0));
  EXPECT_EQ(plan.arena_elements, 112u);
  EXPECT_EQ(plan.largest_live_elements, 112u);
}

TEST(MemoryPlan, ASmallerBufferGoesIntoTheGap) {
  const std::vector<LiveBuffer> buffers = {{160, 0, 3}, {64, 0, 1}, {32, 2, 3}, {48, 2, 2}};
  const MemoryPlan plan = plan_memory(buffers);
  EXPECT_THAT(plan.offsets, ElementsAre(0, 160, 208, 160));
  EXPECT_EQ(plan.arena_elements, 240u);
  EXPECT_EQ(plan.largest_live_elements, 240u);
}

TEST(MemoryPlan, ABufferStandsBehindItsPartner) {
  const std::vector<LiveBuffer> buffers = {{32, 0, 3}, {160, 1, 1}, {48, 2, 3, 1}, {64, 0, 0}};
  const MemoryPlan plan = plan_memory(buffers);
  EXPECT_THAT(plan.offsets, ElementsAre(208, 0, 160, 0));
  EXPECT_EQ(plan.arena_elements, 240u);
  EXPECT_EQ(plan.largest_live_elements, 192u);
}

TEST(MemoryPlan, NothingNeedsNothing) { EXPECT_EQ(plan_memory({}).arena_elements, 0u); }

TEST(MemoryPlan, NeverLetsTwoLivingBuffersOverlap) {
  SeededRandom random(3);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<LiveBuffer> buffers(1 + random.next() % 30);
    for (LiveBuffer& b : buffers) {
      b.first = random.next() % 20;
      b.last = b.first + random.next() % 6;
      b.elements = 1 + random.next() % 1000;
    }
    for (size_t i = 0; i + 1 < buffers.size(); i += 2)
      if (random.next() % 3 == 0) {
        buffers[i].elements = (buffers[i].elements + 15) / 16 * 16;
        buffers[i + 1].behind = i;
      }
    const MemoryPlan plan = plan_memory(buffers);
    EXPECT_GE(plan.arena_elements, plan.largest_live_elements);
    for (size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(plan.offsets[i] % 16, 0u);
      EXPECT_LE(plan.offsets[i] + buffers[i].elements, plan.arena_elements);
      if (const auto front = buffers[i].behind) {
        EXPECT_EQ(plan.offsets[i], plan.offsets[*front] + buffers[*front].elements);
      }
      for (size_t j = 0; j < i; ++j) {
        const bool alive = buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
        const bool apart = plan.offsets[i] + buffers[i].elements <= plan.offsets[j] ||
                           plan.offsets[j] + buffers[j].elements <= plan.offsets[i];
        EXPECT_TRUE(!alive || apart) << i << " and " << j;
      }
    }
  }
}

}  // namespace
}  // namespace espalier
