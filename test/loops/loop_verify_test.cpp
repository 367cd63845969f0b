// What the verifier proves, each rule with the program that breaks it.
#include <gtest/gtest.h>

#include <functional>

#include "codegen/layers/loop_builder.h"
#include "ir/sparse_matrix.h"
#include "test/loops/random_loop_program.h"

namespace espalier::test {
namespace {

const Target& neon() {
  static const Target target = *find_target("aarch64-linux");
  return target;
}

/// Two items; x0 has 40 elements, y 40, weights 8, scratch 8, x1 none.
std::string refusal(const std::function<void(LoopBuilder&)>& write) {
  LoopBuilder b("layer", neon());
  b.set_items(2);
  b.set_elements(LoopBuffer::kX0, 40);
  b.set_elements(LoopBuffer::kY, 40);
  b.set_elements(LoopBuffer::kWeights, 8);
  b.set_elements(LoopBuffer::kScratch, 8);
  write(b);
  const auto program = b.finish();
  if (program) return "";
  EXPECT_EQ(program.error().kind, ErrorKind::kInternal);
  return program.error().message;
}

struct Refusal {
  const char* name;
  const char* message;
  std::function<void(LoopBuilder&)> write;
};

constexpr LoopBuffer kX0 = LoopBuffer::kX0, kX1 = LoopBuffer::kX1, kY = LoopBuffer::kY;

const Refusal kRefusals[] = {
    {"ReadsBeforeWritten", "layer: operation 3 (store): reads v0 before anything is written to it",
     [](LoopBuilder& b) {
       Vec later;
       b.loop(0, 0, 1, [&](Index) { later = b.constant(0); });
       b.store(kY, 0, later);
     }},
    {"ReadsAVectorThatIsNotThere", "layer: operation 1 (store): reads v7, but there are 1 vectors",
     [](LoopBuilder& b) {
       b.constant(1);
       b.store(kY, 0, Vec{7});
     }},
    {"WritesAVectorThatIsNotThere", "layer: operation 1 (copy): writes v9, but there are 1 vectors",
     [](LoopBuilder& b) { b.assign(Vec{9}, b.constant(1)); }},
    {"ReadsAnIntegerThatIsNotThere", "layer: operation 0 (load): reads i3, but there are 1 integers",
     [](LoopBuilder& b) { b.load(kX0, Index{3}); }},
    {"ReadsACounterBehindItsLoop", "layer: operation 2 (load): reads i1 before anything is written to it",
     [](LoopBuilder& b) {
       Index kept;
       b.loop(0, 4, 1, [&](Index i) { kept = i; });
       b.load(kX0, kept);
     }},
    {"LoadsBehindABuffer", "layer: operation 0 (load): touches elements 37 to 40, but its buffer has 40",
     [](LoopBuilder& b) { b.load(kX0, 37); }},
    {"LoadsBeforeABuffer", "layer: operation 0 (splat_load): touches elements -1 to -1, but its buffer has 40",
     [](LoopBuilder& b) { b.splat(kX0, -1); }},
    {"LoadsFromABufferThatIsNotThere", "layer: operation 0 (splat_load): touches elements 0 to 0, but its buffer has 0",
     [](LoopBuilder& b) { b.splat(kX1, 0); }},
    {"LoadsApartBehindABuffer", "layer: operation 0 (load_strided): touches elements 31 to 40, but its buffer has 40",
     [](LoopBuilder& b) { b.load_strided(kX0, 31, 3); }},
    {"LoadsAPairBehindABuffer", "layer: operation 0 (splat_pair): touches elements 39 to 40, but its buffer has 40",
     [](LoopBuilder& b) { b.splat_pair(kX0, 39); }},
    {"LoadsWithoutAStride", "layer: operation 0 (load_strided): has a stride of 1, but 2 to 1099511627776 are legal",
     [](LoopBuilder& b) { b.load_strided(kX0, 0, 1); }},
    {"TheLastItemIsOutside", "layer: operation 0 (load): touches elements 0 to 43, but its buffer has 40",
     [](LoopBuilder& b) { b.load(kX0, Affine(b.item()) * 40); }},
    {"TheLastTurnIsOutside", "layer: operation 2 (store): touches elements 0 to 43, but its buffer has 40",
     [](LoopBuilder& b) {
       const Vec v = b.constant(0);
       b.loop(0, 41, 4, [&](Index i) { b.store(kY, i, v); });
     }},
    {"StoresToTheInput", "layer: operation 1 (store): stores to a buffer that is only read",
     [](LoopBuilder& b) { b.store(kX0, 0, b.constant(0)); }},
    {"StoresToTheWeights", "layer: operation 1 (store): stores to a buffer that is only read",
     [](LoopBuilder& b) { b.store(LoopBuffer::kWeights, 0, b.constant(0)); }},
    {"TooManyLanes", "layer: operation 0 (load): has 5 lanes, but 1 to 4 are legal",
     [](LoopBuilder& b) { b.load(kX0, 0, 5); }},
    {"SlidesByNothing", "layer: operation 1 (slide_up): slides by 0 lanes, but 1 to 3 are legal",
     [](LoopBuilder& b) { b.slide_up(b.constant(0), 0); }},
    {"SlidesEverythingAwayInALoopThatDoesNotRun",
     "layer: operation 2 (slide_up): slides by 4 lanes, but 1 to 3 are legal",
     [](LoopBuilder& b) {
       const Vec v = b.constant(0);
       b.loop(4, 4, 1, [&](Index) { b.slide_up(v, 4); });
     }},
    {"StepOfZero", "layer: operation 0 (loop): has a step of 0, but it must be positive",
     [](LoopBuilder& b) { b.loop(0, 4, 0, [](Index) {}); }},
    {"TableEntryThatIsNotThere", "layer: operation 0 (load_index): reads table entries 0 to 1, but there are 1",
     [](LoopBuilder& b) {
       const int32_t entry[] = {3};
       b.add_table(entry);
       b.load_index(b.item());
     }},
    {"TableEntryTooLarge", "layer: operation 1 (splat_load): touches elements 3 to 40, but its buffer has 40",
     [](LoopBuilder& b) {
       const int32_t entries[] = {3, 40};
       b.add_table(entries);
       b.splat(kX0, b.load_index(b.item()));
     }},
    {"DividesANegative", "layer: operation 1 (index_divide): divides -1 to 0 by 2, but neither may be negative",
     [](LoopBuilder& b) { b.divide(b.index(Affine(b.item()) + -1), 2); }},
    {"DividesByZero", "layer: operation 0 (index_modulo): divides 0 to 1 by 0, but neither may be negative",
     [](LoopBuilder& b) { b.modulo(b.item(), 0); }},
    {"WrittenInALoopThatMayNotRun", "layer: operation 3 (store): reads v0 before anything is written to it",
     [](LoopBuilder& b) {
       Vec v;
       b.loop(0, b.item(), 1, [&](Index) { v = b.constant(0); });
       b.store(kY, 0, v);
     }},
    {"Overflow", "layer: operation 0 (index): 0 to 1 times 2199023255552 may overflow",
     [](LoopBuilder& b) { b.index(Affine(b.item()) * (int64_t{1} << 41)); }},
};

const Refusal kOverflows[] = {
    {"Offset", "layer: operation 0 (index): has an offset of 9223372036854775807, which may overflow",
     [](LoopBuilder& b) { b.index(INT64_MAX); }},
    {"Immediate",
     "layer: operation 0 (index_max): gives i1 values of 9223372036854775807 to 9223372036854775807, which may "
     "overflow",
     [](LoopBuilder& b) { b.max(b.item(), INT64_MAX); }},
    {"Bound", "layer: operation 0 (loop): runs from 0 to 9223372036854775807 by 1, which may overflow",
     [](LoopBuilder& b) { b.loop(0, INT64_MAX, 1, [](Index) {}); }},
    {"Step", "layer: operation 0 (loop): runs from 0 to 2 by 9223372036854775807, which may overflow",
     [](LoopBuilder& b) { b.loop(0, 2, INT64_MAX, [](Index) {}); }},
};

TEST(LoopVerifier, RefusesNumbersThatMayOverflow) {
  for (const Refusal& r : kOverflows) EXPECT_EQ(refusal(r.write), r.message) << r.name;
}

TEST(LoopVerifier, RefusesWhatBreaksARule_AndSaysWhy) {
  for (const Refusal& r : kRefusals) EXPECT_EQ(refusal(r.write), r.message) << r.name;
}

TEST(LoopVerifier, RefusesMoreTermsThanBackendsTake_WhichTheBuilderSplits) {
  LoopBuilder b("layer", neon());
  b.set_elements(LoopBuffer::kX0, 40);
  Affine at = b.item();
  for (int i = 0; i < 4; ++i) at = at + b.index(0);
  b.load(LoopBuffer::kX0, at);
  auto program = b.finish();
  ASSERT_TRUE(program) << program.error().message;
  LoopAccess& access = program->body.back().access;
  EXPECT_LE(access.terms.size(), kMaxLoopTerms);
  access.terms.assign(5, {0, 1});
  EXPECT_EQ(verify(*program).error().message, "operation 5 (load): has 5 terms, but at most 4 are legal");
}

TEST(LoopVerifier, RefusesLoopsThatAreNotClosedOrNotOpened) {
  LoopProgram p;
  p.name = "layer";
  p.target = neon();
  p.body.resize(1);
  p.body[0].op = LoopOp::kEndLoop;
  EXPECT_EQ(verify(p).error().message, "operation 0 (end): ends a loop that nothing began");
  p.integers = 2;
  p.body[0] = {
      .op = LoopOp::kLoop, .d = 1, .immediate = 1, .access = {}, .begin = {0, kNoRegister}, .end = {3, kNoRegister}};
  EXPECT_EQ(verify(p).error().message, "operation 0: its loop has no end");
  p.body[0].d = 0;
  EXPECT_EQ(verify(p).error().message, "operation 0 (loop): writes i0, but i1 to i1 are legal");
  p.items = 0;
  EXPECT_EQ(verify(p).error().message, "has no items or no register for them");
}

TEST(LoopVerifier, AcceptsTheLastElements) {
  EXPECT_EQ(refusal([](LoopBuilder& b) { b.load(kX0, Affine(b.item()) * 36); }), "");
  EXPECT_EQ(refusal([](LoopBuilder& b) { b.load_strided(kX0, 30, 3); }), "");
  EXPECT_EQ(refusal([](LoopBuilder& b) {
              const Vec v = b.constant(0);
              b.loop(3, 37, 11, [&](Index i) { b.store(kY, i, v); });  // 3, 14, 25, 36
            }),
            "");
}

TEST(LoopVerifier, KnowsBoundsOfMinMaxAndRemainders) {
  EXPECT_EQ(refusal([](LoopBuilder& b) { b.splat(kX0, b.min(b.index(Affine(b.item()) * 1000), 39)); }), "");
  EXPECT_EQ(refusal([](LoopBuilder& b) { b.splat(kX0, b.max(b.index(Affine(b.item()) * -5), 0)); }), "");
  EXPECT_EQ(refusal([](LoopBuilder& b) { b.splat(kX0, b.modulo(b.index(Affine(b.item()) * 1000), 40)); }), "");
  EXPECT_EQ(refusal([](LoopBuilder& b) { b.splat(kX0, b.divide(b.index(Affine(b.item()) * 399), 10)); }), "");
}

/// Changes one number of one operation.
void damage(LoopProgram& p, SeededRandom& random) {
  LoopInstruction& op = p.body[random.next() % p.body.size()];
  const auto small = [&] { return static_cast<uint32_t>(random.next() % 12); };
  const auto number = [&] { return static_cast<int64_t>(random.next() % 80) - 10; };
  switch (random.next() % 8) {
    case 0:
      op.d = small();
      break;
    case 1:
      op.a = small();
      break;
    case 2:
      op.lanes = small();
      break;
    case 3:
      op.immediate = number();
      break;
    case 4:
      op.access.offset += number() * 10;
      break;
    case 5:
      if (!op.access.terms.empty()) op.access.terms[0] = {small(), number() / 8};
      break;
    case 6:
      (random.next() % 2 ? op.begin : op.end) = {number(), random.next() % 2 ? small() : kNoRegister};
      break;
    default:
      op.access.buffer = static_cast<LoopBuffer>(random.next() % kLoopBuffers);
  }
}

/// Runs in buffers of exact size, for the sanitizers and the interpreter's assertions to watch.
TEST(LoopVerifier, DamagedProgramsAreRefusedOrRun) {
  uint32_t refused = 0, ran = 0;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    LoopCase c = random_loop_case(neon(), 500 + seed % 50, "layer");
    SeededRandom random(seed);
    damage(c.program, random);
    if (!verify(c.program)) {
      ++refused;
      continue;
    }
    EXPECT_EQ(interpreted_output(c).size(), c.y.size());
    ++ran;
  }
  EXPECT_GT(refused, 200u);
  EXPECT_GT(ran, 300u);
}

}  // namespace
}  // namespace espalier::test
