// Every encoding, memoised and patched, says what it was asked to say.
#include <gtest/gtest.h>

#include <random>

#include "backends/x86_64/x86_64_instructions.h"
#include "test/x86_64/instruction_text.h"

namespace espalier::x86_64 {
namespace {

/// Text of the instruction: {m} memory, {d} {s} {t} registers of the full width, {x} d as xmm,
/// {i} the lane's immediate.
struct Entry {
  Inst inst;
  const char* avx2;
  const char* avx512;
};
const Entry kEntries[kInstCount] = {
    {Inst::kZero, "vxorps {x}, {x}, {x}", "vpxord {d}, {d}, {d}"},
    {Inst::kLoad, "vmovups {m}, {d}", "vmovups {m}, {d}"},
    {Inst::kLoad4, "vmovups {m}, {x}", nullptr},
    {Inst::kLoad2, "vmovsd {m}, {x}", nullptr},
    {Inst::kLoad1, "vmovss {m}, {x}", nullptr},
    {Inst::kLoadMasked, nullptr, "vmovups {m}, {d} {%k1} {z}"},
    {Inst::kStore, "vmovups {d}, {m}", "vmovups {d}, {m}"},
    {Inst::kStore4, "vmovups {x}, {m}", nullptr},
    {Inst::kStore2, "vmovsd {x}, {m}", nullptr},
    {Inst::kStore1, "vmovss {x}, {m}", nullptr},
    {Inst::kStoreMasked, nullptr, "vmovups {d}, {m} {%k1}"},
    {Inst::kCopy, "vmovaps {s}, {d}", "vmovaps {s}, {d}"},
    {Inst::kLoadGroup, "vbroadcastf128 {m}, {d}", "vbroadcastf32x4 {m}, {d}"},
    {Inst::kSplatLane, "vpermilps {i}, {s}, {d}", "vpermilps {i}, {s}, {d}"},
    {Inst::kSplatLoad, "vbroadcastss {m}, {d}", "vbroadcastss {m}, {d}"},
    {Inst::kFma, "vfmadd231ps {t}, {s}, {d}", "vfmadd231ps {t}, {s}, {d}"},
    {Inst::kFmaLoad, "vfmadd231ps {m}, {s}, {d}", "vfmadd231ps {m}, {s}, {d}"},
    {Inst::kFmaLoadMasked, nullptr, "vfmadd231ps {m}, {s}, {d} {%k1}"},
    {Inst::kFmaSplat, nullptr, "vfmadd231ps {m}{1to16}, {s}, {d}"},
    {Inst::kMax, "vmaxps {s}, {d}, {d}", "vmaxps {s}, {d}, {d}"},
    {Inst::kMin, "vminps {s}, {d}, {d}", "vminps {s}, {d}, {d}"},
    {Inst::kPrefetch, "prefetcht0 {m}", "prefetcht0 {m}"},
    {Inst::kPrefetchWrite, "prefetchw {m}", "prefetchw {m}"},
    {Inst::kPrefetchFar, "prefetcht1 {m}", "prefetcht1 {m}"},
};
constexpr const char* kBaseNames[] = {"rdi", "rsi", "rdx", "rcx", "r8", "r9", "r10"};

void replace(std::string& text, const std::string& what, const std::string& by) {
  for (size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), by);
}

std::string expected(const char* form, bool avx512, const Encoder::Operands& o) {
  std::string text = form;
  const char* full = avx512 ? "zmm" : "ymm";
  const std::string displacement = o.displacement ? std::to_string(o.displacement) : "";
  replace(text, "{m}", fmt::format("{}(%{})", displacement, kBaseNames[static_cast<int>(o.base)]));
  replace(text, "{x}", fmt::format("%xmm{}", o.d));
  replace(text, "{d}", fmt::format("%{}{}", full, o.d));
  replace(text, "{s}", fmt::format("%{}{}", full, o.s));
  replace(text, "{t}", fmt::format("%{}{}", full, o.t));
  replace(text, "{i}", fmt::format("${}", o.t * 0x55));
  return text;
}

class X86Instructions : public ::testing::TestWithParam<bool> {
 protected:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }

  int32_t displacement(int32_t unit) {
    switch (below(4)) {
      case 0:
        return 0;
      case 1:
        return (static_cast<int32_t>(below(256)) - 128) * unit;
      case 2:
        return (below(2) ? 128 : -129) * unit;
      default:
        return static_cast<int32_t>(below(1 << 30)) - (1 << 29);
    }
  }

  Encoder::Operands operands(const Entry& entry, const Encoder& encoder) {
    const uint32_t registers = GetParam() ? 32 : 16;
    auto reg = [&] { return static_cast<uint8_t>(below(registers)); };
    Encoder::Operands o{reg(), reg(), reg(), static_cast<Gpr>(below(7)),
                        displacement(encoder.displacement_unit(entry.inst))};
    if (entry.inst == Inst::kSplatLane) o.t %= 4;
    return o;
  }

  std::mt19937_64 engine_{11};
};

TEST_P(X86Instructions, DisassembleToWhatWasAskedFor) {
  auto encoder = Encoder::create(GetParam());
  ASSERT_TRUE(encoder);
  std::string code;
  std::vector<std::string> wanted;
  for (int round = 0; round < 400; ++round)
    for (const Entry& entry : kEntries) {
      const char* form = GetParam() ? entry.avx512 : entry.avx2;
      if (!form) continue;
      const Encoder::Operands o = operands(entry, **encoder);
      (*encoder)->emit(entry.inst, o, code);
      wanted.push_back(expected(form, GetParam(), o));
    }
  const auto found = test::parse_listing((*encoder)->mc().disassemble(code));
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i].text, wanted[i]) << "instruction " << i;
}

TEST_P(X86Instructions, TakeOneByteForNearDisplacements) {
  auto encoder = Encoder::create(GetParam());
  ASSERT_TRUE(encoder);
  const int32_t unit = (*encoder)->displacement_unit(Inst::kLoad);
  auto size = [&](int32_t displacement) {
    std::string code;
    (*encoder)->emit(Inst::kLoad, {.d = 1, .base = Gpr::kX, .displacement = displacement}, code);
    return code.size();
  };
  EXPECT_EQ(unit, GetParam() ? 64 : 1);
  for (const int32_t near : {unit, 127 * unit, -128 * unit}) EXPECT_EQ(size(near), size(0) + 1);
  for (const int32_t far : {128 * unit, -129 * unit}) EXPECT_EQ(size(far), size(0) + 4);
}

INSTANTIATE_TEST_SUITE_P(Isas, X86Instructions, ::testing::Bool(),
                         [](const auto& isa) { return isa.param ? "avx512" : "avx2"; });

}  // namespace
}  // namespace espalier::x86_64
