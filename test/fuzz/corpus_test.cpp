// Runs every seed, and thousands of damaged copies of it, through its reader: the fuzzers' regression for ordinary
// builds.
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/sparse_matrix.h"
#include "readers.h"

namespace espalier::test {
namespace {

constexpr int kMutationsPerFormat = 20000;

std::vector<std::vector<std::byte>> seeds_of(std::string_view format) {
  std::vector<std::filesystem::path> paths;
  const auto folder = std::filesystem::path(ESPALIER_SOURCE_DIR) / "test/fuzz/corpus" / format;
  for (const auto& file : std::filesystem::directory_iterator(folder)) paths.push_back(file.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::vector<std::byte>> seeds;
  for (const auto& path : paths) seeds.push_back(*read_file_bytes(path));
  return seeds;
}

/// One to eight damages: a flipped bit, a byte or 32-bit word of an extreme value, a cut, a repeated stretch.
std::vector<std::byte> damaged(std::vector<std::byte> bytes, SeededRandom& random) {
  static constexpr uint32_t kExtremes[] = {0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
  const uint64_t damages = 1 + random.next() % 8;
  for (uint64_t i = 0; i < damages && !bytes.empty(); ++i) {
    const size_t at = random.next() % bytes.size();
    const uint64_t kind = random.next() % 16;
    if (kind < 7) {
      bytes[at] ^= std::byte{1} << (random.next() % 8);
    } else if (kind < 10) {
      bytes[at] = static_cast<std::byte>(random.next());
    } else if (kind < 14) {
      const uint32_t word = kExtremes[random.next() % std::size(kExtremes)];
      std::memcpy(bytes.data() + at, &word, std::min<size_t>(4, bytes.size() - at));
    } else if (kind == 14) {
      bytes.resize(at);
    } else {
      const std::vector<std::byte> stretch(bytes.begin() + at, bytes.begin() + std::min(at + 16, bytes.size()));
      bytes.insert(bytes.begin() + at, stretch.begin(), stretch.end());
    }
  }
  return bytes;
}

class Corpus : public ::testing::TestWithParam<size_t> {
 protected:
  const FuzzedReader& reader() const { return kReaders[GetParam()]; }
  std::vector<std::vector<std::byte>> seeds_ = seeds_of(kReaders[GetParam()].format);
};

TEST_P(Corpus, Readers_SurviveEverySeedAndEveryTruncationOfIt) {
  ASSERT_FALSE(seeds_.empty());
  for (const auto& seed : seeds_)
    for (size_t length = 0; length <= seed.size(); ++length) {
      // A copy of exactly that size, so that a sanitizer sees the first byte read beyond it.
      const std::vector<std::byte> cut(seed.begin(), seed.begin() + length);
      reader().run(cut);
    }
}

TEST_P(Corpus, Readers_SurviveThousandsOfDamagedSeeds) {
  ASSERT_FALSE(seeds_.empty());
  SeededRandom random(2026);
  for (int i = 0; i < kMutationsPerFormat; ++i) reader().run(damaged(seeds_[random.next() % seeds_.size()], random));
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, ::testing::Range<size_t>(0, kFuzzedReaders),
                         [](const auto& row) { return std::string(kReaders[row.param].format); });

}  // namespace
}  // namespace espalier::test
