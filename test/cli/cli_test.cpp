#include <gtest/gtest.h>

#include <map>

#include "ir/sparse_matrix.h"
#include "program.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

/// A seeded matrix as Matrix Market text.
std::string matrix_market(uint32_t rows, uint32_t columns, uint64_t seed) {
  const SparseMatrix m = random_sparse_matrix(rows, columns, 0.8, seed);
  std::string text =
      fmt::format("%%MatrixMarket matrix coordinate real general\n{} {} {}\n", rows, columns, m.nonzeros());
  for (uint32_t r = 0; r < rows; ++r)
    for (size_t i = 0; i < m.row_columns(r).size(); ++i)
      text += fmt::format("{} {} {:.9g}\n", r + 1, m.row_columns(r)[i] + 1, m.row_values(r)[i]);
  return text;
}

std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = contents_of(entry.path());
  return files;
}

std::string names_of(const std::map<std::string, std::string>& files) {
  std::string names;
  for (const auto& [name, contents] : files) names += name + (contents.empty() ? " (empty) " : " ");
  return names;
}

TEST(Cli, CompileWritesWhatEachTargetGivesByDefault) {
  const Folder folder;
  folder.write("layer.mtx", matrix_market(20, 30, 1));
  const std::pair<const char*, const char*> kWanted[] = {
      {"x86_64-linux", "espalier/kernel_abi.h layer.h layer.o manifest.json "},
      {"x86_64-macos", "espalier/kernel_abi.h layer.h layer.o manifest.json "},
      {"aarch64-linux", "espalier/kernel_abi.h layer.h layer.o manifest.json "},
      {"aarch64-macos", "espalier/kernel_abi.h layer.h layer.o manifest.json "},
      {"wasm32", "layer.wasm manifest.json "},
      {"c99", "espalier/kernel_abi.h layer.c layer.h manifest.json "},
  };
  for (const auto& [target, wanted] : kWanted) {
    const std::string out = fmt::format("out-{}", target);
    const Ran ran =
        espalier(folder.path(), fmt::format("compile layer.mtx --pixels 49 -o {} --target {}", out, target));
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(names_of(files_in(folder.path() / out)), wanted) << target;
  }
}

TEST(Cli, CompileWritesTheSameBytesForAnyNumberOfJobs) {
  const Folder folder;
  folder.write("layer.mtx", matrix_market(64, 64, 2));
  const char* kEmit = "--emit object,asm,c,header,manifest,program --target aarch64-linux";
  for (const char* jobs : {"1", "4"}) {
    const Ran ran =
        espalier(folder.path(), fmt::format("compile layer.mtx --pixels 49 -o out{} -j {} {}", jobs, jobs, kEmit));
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
  EXPECT_EQ(files_in(folder.path() / "out1"), files_in(folder.path() / "out4"));
}

TEST(Cli, FailedCompileLeavesEarlierFilesAlone) {
  const Folder folder;
  folder.write("layer.mtx", matrix_market(20, 30, 3));
  ASSERT_EQ(espalier(folder.path(), "compile layer.mtx --pixels 49 -o out --target c99").status, 0);
  const auto before = files_in(folder.path() / "out");
  const Ran ran = espalier(folder.path(), "compile layer.mtx --pixels 49 -o out --target c99 --input-stride 3");
  EXPECT_EQ(ran.status, 3);
  EXPECT_EQ(files_in(folder.path() / "out"), before);
}

TEST(Cli, RunChecksItsOwnOutputsAndThoseOfOthers) {
  const Folder folder;
  folder.write("layer.mtx", matrix_market(20, 30, 4));
  const Ran ran = espalier(folder.path(), "run layer.mtx --pixels 49 --write-data data --json run.json");
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("1 kernels, 1 within the error bound"), std::string::npos) << ran.out;
  EXPECT_NE(contents_of(folder.path() / "run.json").find("\"gflops\""), std::string::npos);
  EXPECT_EQ(espalier(folder.path(), "run layer.mtx --pixels 49 --check data").status, 0);
  std::string y = contents_of(folder.path() / "data/layer.y.f32");
  ASSERT_EQ(y.size(), 20u * 49u * sizeof(float));
  y[3] = static_cast<char>(y[3] ^ 0x40);  // an exponent bit
  folder.write("data/layer.y.f32", y);
  EXPECT_EQ(espalier(folder.path(), "run layer.mtx --pixels 49 --check data").status, 1);
  folder.write("data/layer.y.f32", y.substr(4));
  const Ran shorter = espalier(folder.path(), "run layer.mtx --pixels 49 --check data");
  EXPECT_EQ(shorter.status, 3);
  EXPECT_EQ(shorter.err, "espalier: data/layer.y.f32: has 3916 bytes, but the kernel's output has 3920\n");
}

TEST(Cli, BenchPrintsShareOfTheBound) {
  const Folder folder;
  folder.write("layer.mtx", matrix_market(20, 30, 5));
  const Ran ran = espalier(folder.path(), "bench layer.mtx --pixels 49 --seconds 0.01");
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("% bound"), std::string::npos);
  EXPECT_NE(ran.out.find("20x30"), std::string::npos);
}

TEST(Cli, InspectListsWeights) {
  const Folder folder;
  folder.write("layer.mtx", matrix_market(20, 30, 6));
  const Ran ran = espalier(folder.path(), "inspect layer.mtx");
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("20x30"), std::string::npos) << ran.out;
}

TEST(Cli, DumpsEveryPass) {
  const Folder folder;
  folder.write("layer.mtx", matrix_market(20, 30, 7));
  ASSERT_EQ(espalier(folder.path(), "compile layer.mtx --pixels 49 -o out --target c99 --dump-dir dump").status, 0);
  EXPECT_EQ(names_of(files_in(folder.path() / "dump")),
            "layer.1.choose_schedule.txt layer.2.plan_pixel_tiles.txt layer.3.plan_chunks.txt layer.4.build_stream.txt "
            "layer.5.lower_unrolled.txt layer.6.verify.txt ");
}

TEST(Cli, HelpOfEveryVerbHasTwoExamples) {
  const Folder folder;
  for (const std::string verb : {"compile", "run", "bench", "inspect", "targets"}) {
    const Ran ran = espalier(folder.path(), verb + " --help");
    EXPECT_EQ(ran.status, 0);
    size_t examples = 0;
    for (size_t at = 0; (at = ran.out.find("\n  espalier " + verb, at)) != std::string::npos; ++at) ++examples;
    EXPECT_GE(examples, 2u) << ran.out;
  }
}

TEST(Cli, DocumentationNamesEveryOption) {
  const Folder folder;
  const std::string page = contents_of(fs::path(ESPALIER_SOURCE_DIR) / "docs/cli.md");
  for (const std::string verb : {"compile", "run", "bench", "inspect", "targets"}) {
    const std::string help = espalier(folder.path(), verb + " --help").out;
    for (size_t at = 0; (at = help.find("--", at)) != std::string::npos;) {
      const size_t end = help.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
      const std::string option = help.substr(at, end - at);
      at = end;
      EXPECT_NE(page.find("`" + option + "`"), std::string::npos) << verb << " " << option;
    }
  }
}

}  // namespace
}  // namespace espalier::test
