// What `espalier compile` leaves in its directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SHA256.h"
#include "running_program.h"
#include "sample_inputs.h"

namespace espalier::test {
namespace {

using testing::StartsWith;

Outcome compile(const TemporaryFolder& folder, const std::string& arguments) {
  return espalier_in(folder, words("compile " + arguments));
}

/// Names only, without folders.
std::vector<std::string> names(const std::map<std::string, std::string>& files) {
  std::vector<std::string> found;
  for (const auto& [name, contents] : files)
    if (!name.ends_with('/')) found.push_back(name);
  return found;
}

struct TargetKinds {
  const char* target;
  const char* standard;                      // files without --emit
  std::map<std::string, std::string> kinds;  // --emit KIND: the files, separated by spaces and sorted
};

std::vector<TargetKinds> target_kinds() {
  const char* header = "espalier/kernel_abi.h net.h";
  const std::map<std::string, std::string> common = {
      {"c", "espalier/kernel_abi.h w.c"}, {"header", header}, {"manifest", "manifest.json"}, {"program", "w.program"}};
  std::map<std::string, std::string> native = common, wasm = common;
  native["object"] = "net.o";
  native["asm"] = "net.s";
  wasm["wasm"] = "net.wasm";
  const char* object = "espalier/kernel_abi.h manifest.json net.h net.o";
  return {{"x86_64-linux", object, native},           {"x86_64-macos", object, native},
          {"aarch64-linux", object, native},          {"aarch64-macos", object, native},
          {"wasm32", "manifest.json net.wasm", wasm}, {"c99", "espalier/kernel_abi.h manifest.json net.h w.c", common}};
}

TEST(Compile, WritesTheFilesOfEveryKindForEveryTarget) {
  for (const TargetKinds& row : target_kinds()) {
    for (const auto& [kind, expected] : row.kinds) {
      const TemporaryFolder folder;
      folder.write("w.mtx", small_matrix());
      const Outcome done = compile(
          folder, std::string("w.mtx -o out --pixels 20 --name net --target ") + row.target + " --emit " + kind);
      ASSERT_EQ(done.exit_code, 0) << row.target << ' ' << kind << ": " << done.err;
      EXPECT_EQ(names(folder.files("out")), words(expected)) << row.target << ' ' << kind;
      for (const std::string& name : names(folder.files("out"))) EXPECT_NE(folder.read("out/" + name), "") << name;
    }
  }
}

TEST(Compile, WritesTheTargetsOwnFilesWithoutEmit) {
  for (const TargetKinds& row : target_kinds()) {
    const TemporaryFolder folder;
    folder.write("w.mtx", small_matrix());
    const Outcome done = compile(folder, std::string("w.mtx -o out --pixels 20 --name net --target ") + row.target);
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(names(folder.files("out")), words(row.standard)) << row.target;
  }
}

TEST(Compile, WritesObjectsOfTheTargetsFormat) {
  const std::string elf = std::string("\x7f") + "ELF", mach_o = "\xcf\xfa\xed\xfe";
  const std::pair<const char*, std::string> formats[] = {
      {"x86_64-linux", elf}, {"aarch64-linux", elf}, {"x86_64-macos", mach_o}, {"aarch64-macos", mach_o}};
  for (const auto& [target, magic] : formats) {
    const TemporaryFolder folder;
    folder.write("w.mtx", small_matrix());
    ASSERT_EQ(compile(folder, std::string("w.mtx -o out --pixels 20 --target ") + target).exit_code, 0);
    EXPECT_THAT(folder.read("out/w.o"), StartsWith(magic)) << target;
  }
}

TEST(Compile, ListsItsFilesOnStandardOutputAndProgressOnStandardError) {
  const TemporaryFolder folder;
  folder.write("w.mtx", small_matrix());
  const Outcome done = compile(folder, "w.mtx -o out --pixels 20 --target c99");
  ASSERT_EQ(done.exit_code, 0);
  std::string expected;
  for (const char* name : {"w.c", "w.h", "espalier/kernel_abi.h", "manifest.json"})
    expected +=
        std::string("out/") + name + "  " + std::to_string(folder.read(std::string("out/") + name).size()) + " bytes\n";
  EXPECT_EQ(done.out, expected);
  EXPECT_THAT(done.err, testing::MatchesRegex("\\[1/1\\] w 4x5 in [0-9.]+ ms\n"));
}

TEST(Compile, CreatesMissingFoldersAndKeepsForeignFiles) {
  const TemporaryFolder folder;
  folder.write("w.mtx", small_matrix());
  folder.write("a/b/mine.txt", "mine");
  ASSERT_EQ(compile(folder, "w.mtx -o a/b --pixels 20 --emit object").exit_code, 0);
  ASSERT_EQ(compile(folder, "w.mtx -o a/c/d --pixels 20 --emit object").exit_code, 0);
  EXPECT_EQ(names(folder.files("a")), words("b/mine.txt b/w.o c/d/w.o"));
  EXPECT_EQ(folder.read("a/b/mine.txt"), "mine");
}

TEST(Compile, ReplacesItsOwnOlderFiles) {
  const TemporaryFolder folder;
  folder.write("w.mtx", small_matrix());
  folder.write("out/w.program", "old");
  ASSERT_EQ(compile(folder, "w.mtx -o out --pixels 20 --emit program").exit_code, 0);
  EXPECT_THAT(folder.read("out/w.program"), StartsWith("espalier-kernel-program "));
}

TEST(Compile, GivesTheSameBytesForAnyThreadsAndFolders) {
  const char* all_of_native = "aarch64-linux --emit object,asm,c,header,manifest,program";
  for (const char* target : {"x86_64-linux", all_of_native, "wasm32", "c99"}) {
    const TemporaryFolder one, other;
    for (const TemporaryFolder* folder : {&one, &other}) folder->write("net.npz", layers_file(12, 24, 40));
    const std::string rest = std::string(" --pixels 49 --clamp relu --target ") + target;
    ASSERT_EQ(compile(one, "net.npz -o out -j1" + rest).exit_code, 0);
    ASSERT_EQ(compile(other, "net.npz -o elsewhere/deep -j4" + rest).exit_code, 0);
    EXPECT_EQ(one.files("out"), other.files("elsewhere/deep")) << target;
    EXPECT_GE(one.files("out").size(), 2u);
  }
}

TEST(Compile, WritesWeightsIntoASideFile) {
  const TemporaryFolder folder;
  folder.write("w.mtx", small_matrix());
  ASSERT_EQ(compile(folder, "w.mtx -o out --pixels 20 --target c99 --emit c --weights-in-side-file").exit_code, 0);
  EXPECT_TRUE(folder.files("out").contains("w.weights.bin"));
}

TEST(Compile, DumpsEveryPass) {
  const TemporaryFolder folder;
  folder.write("w.mtx", small_matrix());
  ASSERT_EQ(compile(folder, "w.mtx -o out --pixels 20 --dump-dir dump --schedule unrolled").exit_code, 0);
  const auto dumps = folder.files("dump");
  EXPECT_EQ(names(dumps), words("w.1.choose_schedule.txt w.2.order_rows.txt w.3.plan_pixel_tiles.txt w.4.plan_chunks.txt "
                                "w.5.build_stream.txt w.6.lower_unrolled.txt w.7.lower_tail.txt w.8.verify.txt"));
  for (const auto& [name, text] : dumps) EXPECT_THAT(text, StartsWith("# ")) << name;
}

std::string sha256(const std::string& bytes) {
  const auto digest = llvm::SHA256::hash({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return "sha256:" + llvm::toHex(digest, /*LowerCase=*/true);
}

llvm::json::Object manifest_of(const TemporaryFolder& folder) {
  auto json = llvm::json::parse(folder.read("out/manifest.json"));
  EXPECT_TRUE(static_cast<bool>(json));
  if (!json) {
    llvm::consumeError(json.takeError());
    return {};
  }
  return json->getAsObject() ? *json->getAsObject() : llvm::json::Object();
}

TEST(Manifest, DescribesEveryOtherFileWithSizeAndHash) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(3, 8, 10));
  ASSERT_EQ(compile(folder, "net.npz -o out --pixels 20 --emit object,asm,c,header,manifest,program").exit_code, 0);
  auto files = folder.files("out");
  files.erase("manifest.json");
  const llvm::json::Object manifest = manifest_of(folder);
  const llvm::json::Array* listed = manifest.getArray("files");
  ASSERT_NE(listed, nullptr);
  std::vector<std::string> listed_names;
  for (const llvm::json::Value& value : *listed) {
    const llvm::json::Object& file = *value.getAsObject();
    const std::string name = file.getString("name")->str();
    listed_names.push_back(name);
    ASSERT_TRUE(files.contains(name)) << name;
    EXPECT_EQ(file.getInteger("bytes"), static_cast<int64_t>(files[name].size())) << name;
    EXPECT_EQ(file.getString("hash")->str(), sha256(files[name])) << name;
  }
  EXPECT_THAT(listed_names, testing::UnorderedElementsAreArray(names(files)));
}

// What the command line knows; the writer's own fields are checked in test/c_source/manifest_test.cpp.
TEST(Manifest, NamesLibraryInputTargetAndLayers) {
  const TemporaryFolder folder;
  folder.write("model.tflite", small_model());
  ASSERT_EQ(compile(folder, "model.tflite --kernels -o out --target aarch64-linux").exit_code, 0);
  const llvm::json::Object manifest = manifest_of(folder);
  EXPECT_EQ(manifest.getString("library"), "model");
  EXPECT_EQ(manifest.getObject("input")->getString("hash")->str(), sha256(small_model()));
  EXPECT_EQ(manifest.getObject("target")->getString("name"), "aarch64-linux");
  ASSERT_EQ(manifest.getArray("layers")->size(), 1u);
  const llvm::json::Object& layer = *manifest.getArray("layers")->front().getAsObject();
  const std::pair<const char*, int64_t> numbers[] = {
      {"output_channels", 4}, {"input_channels", 6}, {"nonzeros", 7}, {"pixels", 35}, {"clamp_high", 6}};
  for (const auto& [field, value] : numbers) EXPECT_EQ(layer.getInteger(field), value) << field;
}

}  // namespace
}  // namespace espalier::test
