// Kernel programs and the machine code expected of them, side by side: golden/NAME.program and golden/NAME.asm. A
// change of the assembler shows as a diff of the latter; ESPALIER_UPDATE_GOLDEN=1 in the environment writes them anew.
// The same programs run under the emulator, so what the files show also gives the right answers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "backends/aarch64/aarch64_assembler.h"
#include "backends/mc/assembly_listing.h"
#include "test/aarch64/emulator.h"
#include "test/support/temporary_folder.h"

namespace espalier {
namespace {

const char* const kNames[] = {"bias_clamp_two_rows", "far_rows_two_chunks", "rolled_panels"};

std::string golden_path(const std::string& file) {
  return std::string(ESPALIER_SOURCE_DIR) + "/test/aarch64/golden/" + file;
}

Result<KernelProgram> program_named(const std::string& name) {
  auto program = parse_kernel_program(test::contents_of(golden_path(name + ".program")));
  if (!program) return program;
  if (Status s = verify(*program); !s) return std::move(s).error();
  return program;
}

class Golden : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Programs, Golden, testing::ValuesIn(kNames),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Golden, CodeIsAsReviewed) {
  const auto program = program_named(GetParam());
  ASSERT_TRUE(program) << program.error().message;
  const auto chunks = assemble_aarch64(*program);
  ASSERT_TRUE(chunks) << chunks.error().message;
  const auto listing = print_assembly({&*program, *chunks}, program->target);
  ASSERT_TRUE(listing) << listing.error().message;
  const std::string path = golden_path(std::string(GetParam()) + ".asm");
  if (std::getenv("ESPALIER_UPDATE_GOLDEN")) std::ofstream(path, std::ios::binary) << *listing;
  EXPECT_EQ(*listing, test::contents_of(path));
}

TEST(GoldenPrograms, GiveTheInterpretersBits) {
  if (const std::string reason = test::emulator_missing(); !reason.empty()) GTEST_SKIP() << reason;
  std::vector<test::EmulatedCase> cases;
  for (const char* name : kNames) {
    auto program = program_named(name);
    ASSERT_TRUE(program) << program.error().message;
    const std::vector<uint32_t> pixels = program->pixels ? std::vector{program->pixels} : std::vector{1u, 4u, 11u};
    cases.push_back({std::move(*program), pixels});
  }
  test::expect_emulated_answers(std::move(cases));
}

}  // namespace
}  // namespace espalier
