// A table of malformed command lines, each with the exact message and exit code it must give. The rules of schedules,
// targets, kernel specifications and files have tables of their own beside their code (test/ir, test/import); here are
// those of the command line, and for each of the others a row or two that come through it.
#include <gtest/gtest.h>

#include <sstream>

#include "running_program.h"
#include "sample_inputs.h"

namespace espalier::test {
namespace {

enum ExitCode { kUsage = 2, kBadInput = 3, kLimit = 4, kUnsupported = 5, kSystem = 6 };

struct Malformed {
  const char* name;
  std::vector<std::string> arguments;
  ExitCode exit_code;
  std::string message;  // without "espalier: "; of usage errors, the first line
};

void PrintTo(const Malformed& row, std::ostream* out) { *out << row.name; }

/// `compile w.mtx -o out --pixels 8` and more.
std::vector<std::string> with(std::vector<std::string> more) {
  std::vector<std::string> all = {"compile", "w.mtx", "-o", "out", "--pixels", "8"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
std::vector<std::string> pixels(const std::string& count) {
  return {"compile", "w.mtx", "-o", "out", "--pixels", count};
}
std::vector<std::string> file(const std::string& name) { return {"compile", name, "-o", "out", "--pixels", "8"}; }

std::vector<Malformed> usage_rows() {
  return {
      {"NoVerb", {}, kUsage, "A subcommand is required"},
      {"UnknownVerb",
       {"translate", "w.mtx"},
       kUsage,
       "unknown verb 'translate', known verbs are compile, run, bench, explain, inspect, targets, zoo"},
      {"CompileWithoutFile", {"compile", "-o", "out"}, kUsage, "file is required"},
      {"CompileWithoutDirectory", {"compile", "w.mtx"}, kUsage, "--output is required"},
      {"CompileIntoNothing", {"compile", "w.mtx", "-o", ""}, kUsage, "--output: must not be empty"},
      {"CompileIntoTwoDirectories", with({"-o", "other"}), kUsage, "--output: At Most 1 required but received 2"},
      {"CompileOfTwoFiles", with({"v.mtx"}), kUsage, "The following argument was not expected: v.mtx"},
      {"UnknownOption", with({"--fast"}), kUsage, "The following argument was not expected: --fast"},
      {"EmissionsTwice", with({"--emit", "object", "--emit", "asm"}), kUsage,
       "--emit: At Most 1 required but received 2"},
      {"JobsThatAreNoNumber", with({"-j", "many"}), kUsage, "Could not convert: --jobs = many"},
      {"NegativeJobs", with({"--jobs=-1"}), kUsage, "Could not convert: --jobs = -1"},
      {"NegativeSeed", with({"--seed=-1"}), kUsage, "--seed: is '-1', but must be a whole number below 2^64"},
      {"SeedBeyond64Bits", with({"--seed", "18446744073709551616"}), kUsage,
       "--seed: is '18446744073709551616', but must be a whole number below 2^64"},
      {"SecondsOfZero",
       {"bench", "w.mtx", "--seconds", "0"},
       kUsage,
       "--seconds: is '0', but must be a number of seconds above 0"},
      {"SecondsThatAreNan",
       {"bench", "w.mtx", "--seconds", "nan"},
       kUsage,
       "--seconds: is 'nan', but must be a number of seconds above 0"},
      {"SecondsOfText",
       {"bench", "w.mtx", "--seconds", "1s"},
       kUsage,
       "--seconds: is '1s', but must be a number of seconds above 0"},
      {"RunWithoutFile", {"run"}, kUsage, "file is required"},
      {"RunForAnotherTarget",
       {"run", "w.mtx", "--target=c99"},
       kUsage,
       "The following argument was not expected: --target=c99"},
      {"InspectWithoutFile", {"inspect"}, kUsage, "file is required"},
      {"TargetsWithAFile", {"targets", "w.mtx"}, kUsage, "The following argument was not expected: w.mtx"},
  };
}

std::vector<Malformed> target_rows() {
  const std::string known =
      ", known targets are x86_64-linux, x86_64-macos, aarch64-linux, aarch64-macos, wasm32, c99, host";
  const std::string kinds = ", known kinds are object, archive, shared, asm, c, header, wasm, manifest, program";
  return {
      {"UnknownTarget", with({"--target", "riscv64"}), kBadInput, "unknown target 'riscv64'" + known},
      {"UnknownTargetToList", {"targets", "--target", "arm"}, kBadInput, "unknown target 'arm'" + known},
      {"UnknownCpu", with({"--target", "x86_64-linux", "--cpu", "8086"}), kBadInput,
       "target x86_64-linux has no CPU '8086', known CPUs are haswell, znver3, skylake-avx512, znver4"},
      {"UnknownKind", with({"--emit", "llvm"}), kBadInput, "cannot emit 'llvm'" + kinds},
      {"KindInCapitals", with({"--emit", "Object"}), kBadInput, "cannot emit 'Object'" + kinds},
      {"KindsThatEndInAComma", with({"--emit", "object,"}), kBadInput, "cannot emit ''" + kinds},
      {"ObjectOfWasm", with({"--target", "wasm32", "--emit", "manifest,object"}), kUnsupported,
       "target wasm32 has no object to emit"},
      {"ListingOfC", with({"--target", "c99", "--emit", "asm"}), kUnsupported, "target c99 has no asm to emit"},
      {"WasmOfX86", with({"--target", "x86_64-linux", "--emit", "wasm"}), kUnsupported,
       "target x86_64-linux has no wasm to emit"},
      {"LibraryNameOutsideOfTheDirectory", with({"--emit", "object", "--name", "../evil"}), kBadInput,
       "library name '../evil' must be made of letters, digits, '_', '-' and '.'"},
      {"HiddenLibraryName", with({"--emit", "program", "--name", ".."}), kBadInput,
       "library name '..' must be made of letters, digits, '_', '-' and '.'"},
      {"LibraryNameWithASpace", with({"--name", "a b"}), kBadInput,
       "library name 'a b' must be made of letters, digits, '_', '-' and '.'"},
      {"ScheduleThatDoesNotParse", with({"--schedule", "unrolled:k=all"}), kBadInput,
       "schedule field k is 'all', but must be a number in 1..2147483647"},
      {"ScheduleThatDoesNotFit",
       with({"--target", "aarch64-linux", "--cpu", "neon", "--schedule", "unrolled:rows=8,vectors=4"}), kBadInput,
       "kernel w: schedule with rows=8, vectors=4 needs 37 vector registers, but neon has 32"},
  };
}

std::vector<Malformed> shape_rows() {
  const std::string number = ", but must be a number in 1..2147483647";
  const std::string clamp = ", but must be none, relu, relu6 or LOW,HIGH";
  return {
      {"NoPixels",
       {"compile", "w.mtx", "-o", "out"},
       kBadInput,
       "w.mtx: w comes without a pixel count, give --pixels N or --pixels any:MOST"},
      {"NoPixelsToRun",
       {"run", "w.mtx"},
       kBadInput,
       "w.mtx: w comes without a pixel count, give --pixels N or --pixels any:MOST"},
      {"ZeroPixels", pixels("0"), kBadInput, "--pixels is '0'" + number},
      {"PixelsAsAProduct", pixels("28x28"), kBadInput, "--pixels is '28x28'" + number},
      {"PixelsBeyond64Bits", pixels("99999999999999999999"), kBadInput, "--pixels is '99999999999999999999'" + number},
      {"AnyPixelsWithoutMost", pixels("any:"), kBadInput, "MOST of --pixels any:MOST is ''" + number},
      {"AnyPixelsUpToZero", pixels("any:0"), kBadInput, "MOST of --pixels any:MOST is '0'" + number},
      {"AnyPixelsWithoutColon", pixels("any"), kBadInput, "--pixels is 'any'" + number},
      {"PixelsBeyondTheLimit", pixels("2147483647"), kLimit,
       "kernel w: input buffer has 5 x 2147483647 elements, but the limit is 536870911"},
      {"InputStrideBelowPixels", with({"--input-stride", "7"}), kBadInput,
       "kernel w: input stride is 7, but there are 8 pixels"},
      {"OutputStrideBelowPixels", with({"--output-stride", "7"}), kBadInput,
       "kernel w: output stride is 7, but there are 8 pixels"},
      {"InputStrideOfZero", with({"--input-stride", "0"}), kBadInput, "--input-stride is '0'" + number},
      {"OutputStrideOfText", with({"--output-stride", "automatic"}), kBadInput,
       "--output-stride is 'automatic'" + number},
      {"OutputStrideBeyondTheLimit", with({"--output-stride", "134217728"}), kLimit,
       "kernel w: output buffer has 4 x 134217728 elements, but the limit is 536870911"},
      {"UnknownClamp", with({"--clamp", "relu7"}), kBadInput, "--clamp is 'relu7'" + clamp},
      {"ClampWithoutHigh", with({"--clamp", "1,"}), kBadInput, "--clamp has bound '', but must have numbers"},
      {"ClampWithThreeBounds", with({"--clamp", "1,2,3"}), kBadInput, "--clamp has bound '2,3', but must have numbers"},
      {"ClampFromNan", with({"--clamp", "nan,1"}), kBadInput, "--clamp has bound 'nan', but must have numbers"},
      {"ClampUpsideDown", with({"--clamp", "2,1"}), kBadInput, "kernel w: clamp low 2 must not be above clamp high 1"},
      {"UnknownOrientation", with({"--orientation", "rows"}), kBadInput,
       "--orientation is 'rows', but must be out-in or in-out"},
  };
}

std::vector<Malformed> file_rows() {
  return {
      {"SelectionOfNothing", with({"--select", "nothing"}), kBadInput, "w.mtx: has no weights named 'nothing'"},
      {"NegativeSelection", with({"--select=-1"}), kBadInput, "w.mtx: has no weights named '-1'"},
      {"MissingFile", file("missing.npz"), kSystem, "missing.npz: cannot open: No such file or directory"},
      {"FolderAsFile", file("folder.npz"), kSystem, "folder.npz: cannot read: Is a directory"},
      {"DumpDirectoryIsAFile", with({"--dump-dir", "empty"}), kSystem, "cannot create empty: Not a directory"},
      {"DataDirectoryIsAFile",
       {"run", "w.mtx", "--pixels", "8", "--write-data", "empty"},
       kSystem,
       "cannot create empty: Not a directory"},
      {"TableIsAFolder",
       {"run", "w.mtx", "--pixels", "8", "--json", "folder.npz"},
       kSystem,
       "cannot write ./folder.npz: Is a directory"},
      {"NothingToCheck",
       {"run", "w.mtx", "--pixels", "8", "--check", "nowhere"},
       kSystem,
       "cannot read nowhere/w.y.f32: No such file or directory"},
      {"CheckOfACutOutput",
       {"run", "w.mtx", "--pixels", "8", "--check", "data"},
       kBadInput,
       "data/w.y.f32: has 5 bytes, but the kernel's output has 128"},
  };
}

void write_inputs(const TemporaryFolder& folder) {
  folder.write("w.mtx", small_matrix());
  folder.write("empty", "");
  std::filesystem::create_directory(folder.path() / "folder.npz");
  folder.write("data/w.y.f32", "12345");
}

/// Standard error without progress.
std::string without_progress(const std::string& text) {
  std::istringstream in(text);
  std::string rest;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with("[")) rest += line + "\n";
  return rest;
}

std::string expected_error(const Malformed& row) {
  // CLI11's own sentences have no prefix.
  const bool ours = row.exit_code != kUsage || row.message.starts_with("unknown verb");
  return ours ? "espalier: " + row.message + "\n" : row.message + "\nRun with --help for more information.\n";
}

class MalformedArguments : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedArguments, GiveTheirMessageAndExitCode) {
  const TemporaryFolder folder;
  write_inputs(folder);
  const auto before = folder.files();
  const Outcome done = espalier_in(folder, GetParam().arguments);
  EXPECT_EQ(done.exit_code, GetParam().exit_code);
  EXPECT_EQ(without_progress(done.err), expected_error(GetParam()));
  EXPECT_EQ(folder.files(), before);
}

std::string name_of(const testing::TestParamInfo<Malformed>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Usage, MalformedArguments, testing::ValuesIn(usage_rows()), name_of);
INSTANTIATE_TEST_SUITE_P(Target, MalformedArguments, testing::ValuesIn(target_rows()), name_of);
INSTANTIATE_TEST_SUITE_P(Shape, MalformedArguments, testing::ValuesIn(shape_rows()), name_of);
INSTANTIATE_TEST_SUITE_P(File, MalformedArguments, testing::ValuesIn(file_rows()), name_of);

}  // namespace
}  // namespace espalier::test
