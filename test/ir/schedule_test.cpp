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
  for (unsigned subset = 0; subset < 128; ++subset) {
    Schedule schedule;
    if (subset & 1) schedule.tile_rows = 1;
    if (subset & 2) schedule.tile_vectors = 0x7fffffff;
    if (subset & 4) schedule.k_block = 128;
    if (subset & 8) schedule.chunk_nonzeros = 99;
    if (subset & 16) schedule.pixel_block = 512;
    if (subset & 32) schedule.prefetch = static_cast<int32_t>(subset & 1);
    if (subset & 64) schedule.tail = static_cast<int32_t>(subset & 1);
    const auto again = parse_schedule(to_string(schedule));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, schedule) << to_string(schedule);
  }
}

TEST(Schedule, PartsFollowTheWholeAndReadBack) {
  const std::string text =
      "unrolled:rows=8,pixels=512,prefetch=0+dense:least=60,rows=6,vectors=2,k=9,chunk=8+nano:rows=4";
  auto schedule = parse_schedule(text);
  ASSERT_TRUE(schedule) << schedule.error().message;
  EXPECT_EQ(to_string(*schedule), text);
  ASSERT_EQ(schedule->parts.size(), 2u);
  EXPECT_EQ(schedule->parts[0], (SchedulePart{CodeForm::kDense, 60, 6, 2, 9, 8}));
  schedule->tail = 1;
  EXPECT_EQ(to_string(schedule_of_part(*schedule, 1)), "nano:rows=4,pixels=512,prefetch=0");
  EXPECT_EQ(to_string(schedule_of_part(*schedule, 2)), "unrolled:rows=8,pixels=512,prefetch=0,tail=1");
  EXPECT_EQ(form_name(*schedule), "mixed");
  EXPECT_FALSE(sums_in_order(*schedule));
  EXPECT_TRUE(sums_in_order(*parse_schedule("loop+dense")));
}

TEST(Schedule, FieldsMayComeInAnyOrder) {
  EXPECT_EQ(to_string(*parse_schedule("unrolled:tail=1,prefetch=0,k=4,rows=2")),
            "unrolled:rows=2,k=4,prefetch=0,tail=1");
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
     "schedule has no field 'row', known fields are rows, vectors, k, chunk, pixels, prefetch, cluster, tail"},
    {"NoNumber", "unrolled:rows=many", "schedule field rows is 'many', but must be a number in 1..2147483647"},
    {"EmptyNumber", "unrolled:rows=", "schedule field rows is '', but must be a number in 1..2147483647"},
    {"Zero", "unrolled:vectors=0", "schedule field vectors is '0', but must be a number in 1..2147483647"},
    {"Negative", "unrolled:k=-1", "schedule field k is '-1', but must be a number in 1..2147483647"},
    {"TooLarge", "unrolled:k=2147483648", "schedule field k is '2147483648', but must be a number in 1..2147483647"},
    {"Overflows", "unrolled:chunk=99999999999999999999",
     "schedule field chunk is '99999999999999999999', but must be a number in 1..2147483647"},
    {"JunkAfterNumber", "unrolled:pixels=8x", "schedule field pixels is '8x', but must be a number in 1..2147483647"},
    {"SpaceBeforeNumber", "unrolled:rows= 8", "schedule field rows is ' 8', but must be a number in 1..2147483647"},
    {"TailTwo", "unrolled:tail=2", "schedule field tail is '2', but must be a number in 0..1"},
    {"TailOfLoops", "loop:tail=1",
     "schedule has field tail with form loop, but only unrolled code leaves pixels to loops"},
    {"TailTwice", "auto:tail=1,tail=1", "schedule has field tail twice"},
    {"PrefetchThree", "loop:prefetch=3", "schedule field prefetch is '3', but must be a number in 0..2"},
    {"PrefetchOfOwnRowsInStraightCode", "unrolled:prefetch=2",
     "schedule has prefetch=2 with form unrolled, but only nano and loop fetch the rows of their own tile"},
    {"PartWithoutForm", "unrolled+", "unknown code form '', known forms are auto, unrolled, nano, loop, dense"},
    {"PartOfAnotherForm", "unrolled+loop", "part of a schedule is loop, but must be dense or nano"},
    {"PartTwice", "unrolled+dense:least=60+nano+dense", "schedule has part dense twice"},
    {"PartEndsAfterColon", "loop+dense:", "schedule 'dense:' ends after the colon"},
    {"FieldOfTheWholeInAPart", "loop+dense:pixels=64",
     "part of a schedule has no field 'pixels', known fields are least, rows, vectors, k, chunk"},
    {"FieldOfAPartInTheWhole", "dense:least=60",
     "schedule has no field 'least', known fields are rows, vectors, k, chunk, pixels, prefetch, cluster, tail"},
    {"LeastOfNano", "loop+nano:least=60", "schedule has field least in part nano, but only dense takes rows by it"},
    {"LeastAboveAll", "loop+dense:least=101", "schedule field least is '101', but must be a number in 1..100"},
    {"FieldTwiceInAPart", "loop+dense:k=4,k=4", "schedule has field k twice"},
    {"FieldTwice", "unrolled:rows=8,rows=8", "schedule has field rows twice"},
    {"PrefetchTwice", "unrolled:prefetch=0,prefetch=1", "schedule has field prefetch twice"},
};

INSTANTIATE_TEST_SUITE_P(Schedule, BadScheduleTest, testing::ValuesIn(kBadSchedules),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace espalier
