// What the command line says to arguments that cannot work. Damaged files are in test/import/malformed_files_test.cpp.
#include <gtest/gtest.h>

#include "program.h"

namespace espalier::test {
namespace {

constexpr const char* kMatrix =
    "%%MatrixMarket matrix coordinate real general\n"
    "3 4 3\n"
    "1 1 0.5\n"
    "2 4 -1.5\n"
    "3 2 2\n";

struct BadArguments {
  const char* name;
  const char* arguments;
  int status;
  const char* message;
};

const BadArguments kCases[] = {
    {"UnknownTarget", "compile m.mtx --pixels 4 -o out --target sparc", 3,
     "espalier: unknown target 'sparc', known targets are x86_64-linux, x86_64-macos, aarch64-linux, aarch64-macos, "
     "wasm32, "
     "c99, host\n"},
    {"UnknownCpu", "compile m.mtx --pixels 4 -o out --target wasm32 --cpu avx2", 3,
     "espalier: target wasm32 has no CPU 'avx2', known CPUs are simd128, relaxed\n"},
    {"UnknownForm", "compile m.mtx --pixels 4 -o out --schedule rolled", 3,
     "espalier: unknown code form 'rolled', known forms are unrolled\n"},
    {"UnknownField", "compile m.mtx --pixels 4 -o out --schedule unrolled:cols=4", 3,
     "espalier: schedule has no field 'cols', known fields are rows, vectors, k, chunk, pixels, prefetch\n"},
    {"FieldWithoutValue", "compile m.mtx --pixels 4 -o out --schedule unrolled:rows", 3,
     "espalier: schedule field 'rows' has no value, write field=number\n"},
    {"FieldNotANumber", "compile m.mtx --pixels 4 -o out --schedule unrolled:rows=many", 3,
     "espalier: schedule field rows is 'many', but must be a number in 1..2147483647\n"},
    {"FieldOfZero", "compile m.mtx --pixels 4 -o out --schedule unrolled:k=0", 3,
     "espalier: schedule field k is '0', but must be a number in 1..2147483647\n"},
    {"FieldTwice", "compile m.mtx --pixels 4 -o out --schedule unrolled:k=8,k=8", 3,
     "espalier: schedule has field k twice\n"},
    {"PrefetchOfTwo", "compile m.mtx --pixels 4 -o out --schedule unrolled:prefetch=2", 3,
     "espalier: schedule field prefetch is '2', but must be a number in 0..1\n"},
    {"ScheduleEndsAfterColon", "compile m.mtx --pixels 4 -o out --schedule unrolled:", 3,
     "espalier: schedule 'unrolled:' ends after the colon\n"},
    {"ScheduleEndsAfterComma", "compile m.mtx --pixels 4 -o out --schedule unrolled:k=4,", 3,
     "espalier: schedule 'unrolled:k=4,' ends after a comma\n"},
    {"RegistersOfNeon", "compile m.mtx --pixels 40 -o out --target aarch64-linux --schedule unrolled:rows=8,vectors=8",
     3, "espalier: kernel m: schedule with rows=8, vectors=8 needs 73 vector registers, but neon has 32\n"},
    {"RowsOverTheLimit", "compile m.mtx --pixels 40 -o out --schedule unrolled:rows=33,vectors=1", 3,
     "espalier: kernel m: schedule has rows=33, but the limit is 32\n"},
    {"UnknownEmission", "compile m.mtx --pixels 4 -o out --emit object,exe", 3,
     "espalier: cannot emit 'exe', known kinds are object, asm, c, header, wasm, manifest, program\n"},
    {"EmptyEmission", "compile m.mtx --pixels 4 -o out --emit object,", 3,
     "espalier: cannot emit '', known kinds are object, asm, c, header, wasm, manifest, program\n"},
    {"ObjectOfC", "compile m.mtx --pixels 4 -o out --target c99 --emit object", 5,
     "espalier: target c99 has no object to emit\n"},
    {"ModuleOfNative", "compile m.mtx --pixels 4 -o out --target aarch64-linux --emit wasm", 5,
     "espalier: target aarch64-linux has no wasm to emit\n"},
    {"NoPixels", "compile m.mtx -o out", 3,
     "espalier: m.mtx: m comes without a pixel count, give --pixels N or --pixels any:MOST\n"},
    {"PixelsOfZero", "compile m.mtx -o out --pixels 0", 3,
     "espalier: --pixels is '0', but must be a number in 1..2147483647\n"},
    {"PixelsOfText", "compile m.mtx -o out --pixels 14x14", 3,
     "espalier: --pixels is '14x14', but must be a number in 1..2147483647\n"},
    {"AnyWithoutMost", "compile m.mtx -o out --pixels any", 3,
     "espalier: --pixels is 'any', but must be a number in 1..2147483647\n"},
    {"StrideBelowPixels", "compile m.mtx -o out --pixels 9 --input-stride 8", 3,
     "espalier: kernel m: input stride is 8, but there are 9 pixels\n"},
    {"OutputStrideBelowPixels", "compile m.mtx -o out --pixels 9 --output-stride 8", 3,
     "espalier: kernel m: output stride is 8, but there are 9 pixels\n"},
    {"StrideOfZero", "compile m.mtx -o out --pixels 9 --input-stride 0", 3,
     "espalier: --input-stride is '0', but must be a number in 1..2147483647\n"},
    {"StrideOverTheLimit", "compile m.mtx -o out --pixels 9 --input-stride 200000000", 4,
     "espalier: kernel m: input buffer has 4 x 200000000 elements, but the limit is 536870911\n"},
    {"ClampOfText", "compile m.mtx -o out --pixels 9 --clamp gelu", 3,
     "espalier: --clamp is 'gelu', but must be none, relu, relu6 or LOW,HIGH\n"},
    {"ClampBoundOfText", "compile m.mtx -o out --pixels 9 --clamp 0,six", 3,
     "espalier: --clamp has bound 'six', but must have numbers\n"},
    {"ClampBoundNaN", "compile m.mtx -o out --pixels 9 --clamp nan,6", 3,
     "espalier: --clamp has bound 'nan', but must have numbers\n"},
    {"ClampUpsideDown", "compile m.mtx -o out --pixels 9 --clamp 6,0", 3,
     "espalier: kernel m: clamp low 6 must not be above clamp high 0\n"},
    {"OrientationOfText", "compile m.mtx -o out --pixels 9 --orientation sideways", 3,
     "espalier: --orientation is 'sideways', but must be out-in or in-out\n"},
    {"OutputIsAFile", "compile m.mtx -o m.mtx --pixels 9 --target c99", 6, nullptr},
    {"NoSuchFile", "run nothing.npz", 6, nullptr},
    {"NoVerb", "", 2, nullptr},
    {"UnknownVerb", "translate m.mtx", 2, nullptr},
    {"UnknownOption", "run m.mtx --fast", 2, nullptr},
    {"NoOutput", "compile m.mtx --pixels 4", 2, nullptr},
    {"NoFile", "inspect", 2, nullptr},
    {"TargetOfText", "targets --target sparc", 3, nullptr},
};

class BadArgumentsTest : public ::testing::TestWithParam<BadArguments> {};

TEST_P(BadArgumentsTest, AreRefusedAndNothingIsWritten) {
  const BadArguments& c = GetParam();
  const Folder folder;
  folder.write("m.mtx", kMatrix);
  const Ran ran = espalier(folder.path(), c.arguments);
  EXPECT_EQ(ran.status, c.status) << ran.err;
  EXPECT_FALSE(ran.err.empty());
  if (c.message) {
    EXPECT_EQ(ran.err, c.message);
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out"));
  EXPECT_EQ(contents_of(folder.path() / "m.mtx"), kMatrix);
}

INSTANTIATE_TEST_SUITE_P(Cli, BadArgumentsTest, ::testing::ValuesIn(kCases),
                         [](const auto& c) { return std::string(c.param.name); });

}  // namespace
}  // namespace espalier::test
