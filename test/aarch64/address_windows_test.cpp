// Address arithmetic, executed by a model of the few instructions it is made of.
#include "backends/aarch64/address_windows.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace espalier::aarch64 {
namespace {

/// Executes additions and constants; encodings as in the Arm Architecture Reference Manual (DDI 0487), section C6.2.
class Machine {
 public:
  explicit Machine(const CodeBuffer& code) : code_(code) {
    for (int i = 0; i < 31; ++i) regs_[i] = 0x1000'0000'0000 * (i + 1);
  }
  /// Runs what was emitted since the last call.
  void catch_up() {
    const std::string bytes = code_.bytes();
    for (; done_ < code_.size(); ++done_) {
      uint32_t word = 0;
      std::memcpy(&word, bytes.data() + done_ * sizeof word, sizeof word);
      execute(word);
    }
  }
  int64_t operator[](uint32_t reg) const { return regs_[reg]; }

 private:
  void execute(uint32_t word) {
    const uint32_t d = word & 31, n = word >> 5 & 31, m = word >> 16 & 31, shift = (word >> 21 & 3) * 16;
    const int64_t imm12 = int64_t{word >> 10 & 0xfff} << (word >> 22 & 1 ? 12 : 0);
    const uint64_t imm16 = uint64_t{word >> 5 & 0xffff} << shift;
    ASSERT_TRUE(d >= 4 && d <= 17) << "writes x" << d;
    if ((word & 0xff800000) == 0x91000000)
      regs_[d] = regs_[n] + imm12;
    else if ((word & 0xff800000) == 0xd1000000)
      regs_[d] = regs_[n] - imm12;
    else if ((word & 0xff800000) == 0xd2800000)
      regs_[d] = static_cast<int64_t>(imm16);
    else if ((word & 0xff800000) == 0xf2800000)
      regs_[d] = static_cast<int64_t>((regs_[d] & ~(0xffffull << shift)) | imm16);
    else if ((word & 0xffe0fc00) == 0x8b000000)
      regs_[d] = regs_[n] + regs_[m];
    else
      FAIL() << "not address arithmetic: " << fmt::format("{:08x}", word);
  }

  const CodeBuffer& code_;
  size_t done_ = 0;
  int64_t regs_[31];
};

bool encodable(const Address& address, uint32_t bytes) {
  const bool near = address.delta >= -256 && address.delta <= 255;
  const bool scaled = address.delta >= 0 && address.delta % bytes == 0 && address.delta / bytes <= 4095;
  return near || scaled;
}

/// 3,000 accesses that wander about up to `reach` bytes into each buffer.
void wander(uint64_t seed, int64_t reach) {
  SCOPED_TRACE(fmt::format("seed {}, reach {}", seed, reach));
  CodeBuffer code(*word_table());
  AddressWindows windows(code);
  Machine machine(code);
  std::mt19937_64 random(seed);
  auto below = [&](int64_t limit) { return static_cast<int64_t>(random() % static_cast<uint64_t>(limit)); };
  int64_t centre[3] = {};
  for (int i = 0; i < 3000; ++i) {
    const auto b = static_cast<int>(below(3));
    if (below(4) == 0) centre[b] = below(reach / 4) * 4;
    const int64_t offset = std::max<int64_t>(0, centre[b] + (below(200) - 100) * 4);
    const uint32_t bytes = 4u << below(3);
    if (below(10) == 0) {
      const bool had = windows.has_exact(static_cast<Buffer>(b), offset);
      const size_t before = code.size();
      const uint32_t reg = windows.exact(static_cast<Buffer>(b), offset);
      ASSERT_EQ(code.size() == before, had);
      machine.catch_up();
      ASSERT_EQ(machine[reg], machine[b] + offset);
    } else {
      const Address address = windows.reach(static_cast<Buffer>(b), offset, bytes);
      machine.catch_up();
      ASSERT_TRUE(encodable(address, bytes)) << address.delta << " for " << bytes << " bytes";
      ASSERT_EQ(machine[address.reg] + address.delta, machine[b] + offset);
    }
  }
}

TEST(AddressWindows, PointWhereTheAccessIs) {
  ASSERT_TRUE(word_table());
  for (uint64_t seed = 0; seed < 20; ++seed)
    for (int64_t reach : {1'000, 200'000, 5'000'000, 20'000'000, 2'000'000'000}) wander(seed, reach);
}

TEST(AddressWindows, AreForgottenOnRequest) {
  CodeBuffer code(*word_table());
  AddressWindows windows(code);
  const uint32_t reg = windows.reach(Buffer::kX, 100'000, 16).reg;
  EXPECT_GE(reg, 4u);
  const size_t before = code.size();
  windows.reach(Buffer::kX, 100'000, 16);
  EXPECT_EQ(code.size(), before);
  windows.forget();
  windows.reach(Buffer::kX, 100'000, 16);
  EXPECT_GT(code.size(), before);
}

}  // namespace
}  // namespace espalier::aarch64
