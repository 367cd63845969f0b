// What linkers make of objects: parts that a program does not use go, and Mach-O objects become shared libraries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/mc/object_writer.h"
#include "llvm/Object/MachO.h"
#include "llvm/Object/ObjectFile.h"
#include "test/support/command.h"
#include "test/support/temporary_folder.h"

namespace espalier {
namespace {

using test::run_command;
using testing::HasSubstr;
using testing::Not;

constexpr size_t kManyWeights = 100'000;
/// What a file shrinks by when the weights go: their bytes, less what linkers pad segments with to whole pages.
constexpr size_t kMuchSmaller = kManyWeights * sizeof(float) - 65536;

/// A kernel of one chunk that returns at once, and more weights than anything else in a program has bytes.
KernelProgram program_for(std::string_view target, std::string name) {
  KernelProgram p;
  p.name = std::move(name);
  p.target = *find_target(target);
  p.output_channels = 4, p.input_channels = 4, p.nonzeros = 4;
  p.pixels = 0, p.input_stride = 20, p.output_stride = 20, p.pixel_block = 20;
  p.groups = {{0, 4, 0, 1}};
  p.chunks.resize(1);
  p.chunks[0].stream_count = 4, p.chunks[0].nonzeros = 4;
  p.stream.assign(kManyWeights, 1.5f);
  return p;
}

std::string return_of(std::string_view target) {
  return target.starts_with("x86_64") ? std::string("\xc3") : std::string("\xc0\x03\x5f\xd6", 4);
}

/// An object of the kernels `used` and `unused`.
std::string object_of_two(std::string_view target) {
  const KernelProgram used = program_for(target, "used"), unused = program_for(target, "unused");
  const KernelCode codes[] = {{&used, {return_of(target)}}, {&unused, {return_of(target)}}};
  const auto object = write_object(codes, used.target);
  EXPECT_TRUE(object) << (object ? "" : object.error().message);
  return object ? *object : "";
}

constexpr const char* kMain =
    "#include \"espalier/kernel_abi.h\"\n"
    "extern const espalier_kernel used;\n"
    "int main(void) { espalier_kernel_run(&used, used.weights, 0, 20); return used.weights[7] != 1.5f; }\n";

struct Toolchain {
  std::string_view target;
  std::string compiler, runner;
};

/// Links a program that calls one of the two kernels; bytes of the program and, in `symbols`, what is left in it.
uint64_t linked_bytes(const Toolchain& tools, const std::string& flags, std::string& symbols) {
  const test::TemporaryFolder folder;
  const std::string object = folder.write("two.o", object_of_two(tools.target)), main = folder.write("main.c", kMain);
  const auto linked =
      run_command(fmt::format("{} -Wl,--fatal-warnings {} -I{}/runtime/include {} {} -o {}", tools.compiler, flags,
                              ESPALIER_SOURCE_DIR, main, object, folder.path("main")));
  EXPECT_EQ(linked.status, 0) << linked.output;
  const auto ran = run_command(tools.runner + " " + folder.path("main"));
  EXPECT_EQ(ran.status, 0) << ran.output;
  const std::string bytes = test::contents_of(folder.path("main"));
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(bytes, "main"));
  if (!file) {
    ADD_FAILURE() << llvm::toString(file.takeError());
    return 0;
  }
  for (const auto& symbol : (*file)->symbols()) symbols += llvm::cantFail(symbol.getName()).str() + "\n";
  return bytes.size();
}

void expect_unused_kernel_to_go(const Toolchain& tools) {
  for (const std::string& program : {tools.compiler, tools.runner})
    if (!program.empty() && !test::have_program(program)) GTEST_SKIP() << program << " is not installed";
  std::string kept, dropped;
  const uint64_t with = linked_bytes(tools, "-static", kept);
  const uint64_t without = linked_bytes(tools, "-static -Wl,--gc-sections", dropped);
  EXPECT_GE(with, without + kMuchSmaller);
  EXPECT_THAT(kept, HasSubstr("\nunused.weights\n"));
  EXPECT_THAT(dropped, HasSubstr("\nused.weights\n"));
  EXPECT_THAT(dropped, Not(HasSubstr("unused")));
}

#if defined(__x86_64__) && defined(__linux__)
TEST(LinkedSections, DropAnUnusedX86Kernel) { expect_unused_kernel_to_go({"x86_64-linux", "gcc", ""}); }
#endif
TEST(LinkedSections, DropAnUnusedAArch64Kernel) {
  expect_unused_kernel_to_go({"aarch64-linux", "aarch64-linux-gnu-gcc", "qemu-aarch64"});
}

class MachOLibrary : public testing::TestWithParam<std::string_view> {
 protected:
  static std::string architecture() { return GetParam() == "x86_64-macos" ? "x86_64" : "arm64"; }

  /// Links an object of both kernels with lld into a shared library; its path.
  static std::string link(const test::TemporaryFolder& folder, const std::string& flags) {
    const std::string object = folder.write("two.o", object_of_two(GetParam()));
    const auto linked = run_command(
        fmt::format("ld64.lld-19 -fatal_warnings -arch {} -platform_version macos 11.0 11.0 -dylib -undefined "
                    "dynamic_lookup {} {} -o {}",
                    architecture(), flags, object, folder.path("two.dylib")));
    EXPECT_EQ(linked.status, 0) << linked.output;
    return folder.path("two.dylib");
  }
};
INSTANTIATE_TEST_SUITE_P(Targets, MachOLibrary, testing::Values("x86_64-macos", "aarch64-macos"),
                         [](const auto& test) { return std::string(test.param.substr(0, test.param.find('-'))); });

TEST_P(MachOLibrary, ExportsItsKernels) {
  if (!test::have_program("ld64.lld-19")) GTEST_SKIP() << "ld64.lld-19 (package lld-19) is not installed";
  const test::TemporaryFolder folder;
  const std::string bytes = test::contents_of(link(folder, ""));
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(bytes, "two.dylib"));
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  auto& library = llvm::cast<llvm::object::MachOObjectFile>(**file);
  EXPECT_EQ(library.getHeader().filetype, llvm::MachO::MH_DYLIB);
  std::vector<std::string> exported;
  llvm::Error error = llvm::Error::success();
  for (const auto& symbol : library.exports(error)) exported.push_back(symbol.name().str());
  ASSERT_FALSE(error) << llvm::toString(std::move(error));
  EXPECT_THAT(exported, testing::UnorderedElementsAre("_used", "_unused"));
}

TEST_P(MachOLibrary, DropsAnUnusedKernel) {
  if (!test::have_program("ld64.lld-19")) GTEST_SKIP() << "ld64.lld-19 (package lld-19) is not installed";
  const test::TemporaryFolder folder;
  const size_t both = test::contents_of(link(folder, "")).size();
  const size_t one = test::contents_of(link(folder, "-dead_strip -exported_symbol _used")).size();
  EXPECT_GE(both, one + kMuchSmaller);
}

}  // namespace
}  // namespace espalier
