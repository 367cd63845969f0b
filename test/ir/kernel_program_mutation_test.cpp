#include <gtest/gtest.h>

#include "kernel_program_check.h"
#include "random_kernel_program.h"
#include "sample_programs.h"

namespace espalier {
namespace {

/// Spoils texts the way a hostile or broken writer would. Seeded, so that a failure can be repeated.
class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  std::string mutated(std::string text) {
    for (uint32_t n = 1 + below(3); n > 0 && !text.empty(); --n) mutate(text);
    return text;
  }

 private:
  uint32_t below(size_t bound) { return static_cast<uint32_t>(random_.next() % bound); }

  void mutate(std::string& text) {
    switch (below(6)) {
      case 0:
        text[below(text.size())] = static_cast<char>(below(256));
        break;
      case 1:
        text.erase(below(text.size()), 1 + below(8));
        break;
      case 2:
        return copy_line(text, /*keep=*/false);
      case 3:
        return copy_line(text, /*keep=*/true);
      default:
        return replace_number(text);  // the mutation that most often leaves a program to verify
    }
  }
  size_t line_start(const std::string& text) {
    const size_t newline = text.rfind('\n', below(text.size()));
    return newline == std::string::npos ? 0 : newline + 1;
  }
  void copy_line(std::string& text, bool keep) {
    const size_t start = line_start(text), end = text.find('\n', start);
    if (end == std::string::npos) return;
    const std::string line = text.substr(start, end + 1 - start);
    if (!keep) text.erase(start, line.size());
    text.insert(text.empty() ? 0 : line_start(text), line);
  }
  void replace_number(std::string& text) {
    constexpr std::string_view kNumbers[] = {"0",
                                             "1",
                                             "2",
                                             "3",
                                             "4",
                                             "5",
                                             "7",
                                             "8",
                                             "15",
                                             "16",
                                             "17",
                                             "31",
                                             "32",
                                             "64",
                                             "255",
                                             "256",
                                             "65536",
                                             "2147483647",
                                             "4294967295",
                                             "4294967296",
                                             "18446744073709551615",
                                             "99999999999999999999",
                                             "-1",
                                             "inf",
                                             "r"};
    const size_t start = text.find_first_of("0123456789", below(text.size()));
    if (start == std::string::npos) return;
    const size_t end = text.find_first_not_of("0123456789", start);
    text.replace(start, end - start, kNumbers[below(std::size(kNumbers))]);
  }

  SeededRandom random_;
};

struct Tally {
  int parsed = 0, verified = 0, executed = 0;
};

/// `rounds` mutations of `text`; every one must be read and verified, or refused, without harm.
void hammer(const std::string& text, uint64_t seed, int rounds, Tally& tally) {
  Mutator mutator(seed);
  for (int round = 0; round < rounds; ++round) {
    const std::string mutated = mutator.mutated(text);
    const test::TextVerdict verdict = test::check_program_text(mutated);
    ASSERT_EQ(verdict.problem, "") << mutated;
    tally.parsed += verdict.parsed, tally.verified += verdict.verified, tally.executed += verdict.executed;
  }
}

TEST(KernelProgramMutations, OfTheSamplesDoNoHarm) {
  constexpr int kRounds = 3000;
  for (const std::string& text :
       {test::neon_program(), test::masked_program(), test::tail_program("x86_64-linux cpu avx2", 8, 4)}) {
    Tally tally;
    hammer(text, 1, kRounds, tally);
    EXPECT_GT(tally.parsed, kRounds / 10) << "the mutations are too coarse to test the verifier";
    EXPECT_LT(tally.parsed, kRounds);
    EXPECT_GT(tally.executed, kRounds / 100);
    EXPECT_LT(tally.verified, tally.parsed) << "the verifier refused none";
  }
}

TEST(KernelProgramMutations, OfRandomProgramsDoNoHarm) {
  Tally tally;
  for (const char* cpu : {"avx2", "avx512"})
    for (uint64_t seed = 0; seed < 8; ++seed)
      hammer(print(test::random_kernel_program(*find_target("x86_64-linux", cpu), seed)), seed, 100, tally);
  for (uint64_t seed = 0; seed < 8; ++seed) {
    hammer(print(test::random_kernel_program(*find_target("aarch64-linux"), seed)), seed, 100, tally);
    hammer(print(test::random_kernel_program(*find_target("wasm32"), seed)), seed, 100, tally);
  }
  EXPECT_GT(tally.executed, 100);
  EXPECT_LT(tally.verified, tally.parsed);
}

TEST(RandomKernelPrograms, OfEveryTargetVerify) {
  for (const TargetEntry& entry : known_targets())
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const KernelProgram program = test::random_kernel_program(*find_target(entry.target, entry.cpu), seed);
      const Status status = verify(program);
      ASSERT_TRUE(status) << status.error().message << "\n" << print(program);
      ASSERT_TRUE(test::check_program_text(print(program)).executed) << entry.cpu << ", seed " << seed;
    }
}

}  // namespace
}  // namespace espalier
