#include "ir/schedule.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(Schedule, NothingChosenPrintsTheFormAlone) {
  EXPECT_EQ(to_string(Schedule{}), "auto");
  EXPECT_EQ(*parse_schedule("auto"), Schedule{});
}

TEST(Schedule, AllFieldsPrintInOneOrder) {
  const Schedule schedule{CodeForm::kUnrolled, 8, 3, 128, 768, 512, 1};
  EXPECT_EQ(to_string(schedule), "unrolled:rows=8,vectors=3,k=128,chunk=768,pixels=512,prefetch=1");
}

TEST(Schedule, EverySubsetOfFieldsReadsBack) {
  for (unsigned subset = 0; subset < 64; ++subset) {
    Schedule schedule;
    if (subset & 1) schedule.tile_rows = 1;
    if (subset & 2) schedule.tile_vectors = 0x7fffffff;
    if (subset & 4) schedule.k_block = 128;
    if (subset & 8) schedule.chunk_nonzeros = 99;
    if (subset & 16) schedule.pixel_block = 512;
    if (subset & 32) schedule.prefetch = static_cast<int32_t>(subset & 1);
    const auto again = parse_schedule(to_string(schedule));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, schedule) << to_string(schedule);
  }
}

TEST(Schedule, FieldsMayComeInAnyOrder) {
  EXPECT_EQ(to_string(*parse_schedule("unrolled:prefetch=0,k=4,rows=2")), "unrolled:rows=2,k=4,prefetch=0");
}

struct BadSchedule {
  const char *name, *text, *message;
};
class BadScheduleTest : public testing::TestWithParam<BadSchedule> {};

TEST_P(BadScheduleTest, GivesItsMessage) {
  const auto schedule = parse_schedule(GetParam().text);
  ASSERT_FALSE(schedule);
  EXPECT_EQ(schedule.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(schedule.error().message, GetParam().message);
}

const BadSchedule kBadSchedules[] = {
    {"Empty", "", "unknown code form '', known forms are auto, unrolled, nano, loop, dense"},
    {"UnknownForm", "rolled:rows=8", "unknown code form 'rolled', known forms are auto, unrolled, nano, loop, dense"},
    {"NothingAfterColon", "unrolled:", "schedule 'unrolled:' ends after the colon"},
    {"NothingAfterComma", "unrolled:rows=8,", "schedule 'unrolled:rows=8,' ends after a comma"},
    {"NoValue", "unrolled:rows", "schedule field 'rows' has no value, write field=number"},
    {"EmptyField", "unrolled:rows=8,,k=1", "schedule field '' has no value, write field=number"},
    {"UnknownField", "unrolled:row=8",
     "schedule has no field 'row', known fields are rows, vectors, k, chunk, pixels, prefetch, cluster"},
    {"NoNumber", "unrolled:rows=many", "schedule field rows is 'many', but must be a number in 1..2147483647"},
    {"EmptyNumber", "unrolled:rows=", "schedule field rows is '', but must be a number in 1..2147483647"},
    {"Zero", "unrolled:vectors=0", "schedule field vectors is '0', but must be a number in 1..2147483647"},
    {"Negative", "unrolled:k=-1", "schedule field k is '-1', but must be a number in 1..2147483647"},
    {"TooLarge", "unrolled:k=2147483648", "schedule field k is '2147483648', but must be a number in 1..2147483647"},
    {"Overflows", "unrolled:chunk=99999999999999999999",
     "schedule field chunk is '99999999999999999999', but must be a number in 1..2147483647"},
    {"JunkAfterNumber", "unrolled:pixels=8x", "schedule field pixels is '8x', but must be a number in 1..2147483647"},
    {"SpaceBeforeNumber", "unrolled:rows= 8", "schedule field rows is ' 8', but must be a number in 1..2147483647"},
    {"PrefetchTwo", "unrolled:prefetch=2", "schedule field prefetch is '2', but must be a number in 0..1"},
    {"FieldTwice", "unrolled:rows=8,rows=8", "schedule has field rows twice"},
    {"PrefetchTwice", "unrolled:prefetch=0,prefetch=1", "schedule has field prefetch twice"},
};

INSTANTIATE_TEST_SUITE_P(Schedule, BadScheduleTest, testing::ValuesIn(kBadSchedules),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace espalier
