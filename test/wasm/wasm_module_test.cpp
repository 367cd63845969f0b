// Objects and modules as files: structure, determinism, refusals.
#include "backends/wasm/wasm_module.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "backends/wasm/linker.h"
#include "backends/wasm/size_budget.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/Wasm.h"
#include "test/support/temporary_folder.h"
#include "wasm_program.h"

namespace espalier::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const Result<std::string>& result, ErrorKind kind) {
  if (result) return "no error";
  EXPECT_EQ(result.error().kind, kind) << result.error().message;
  return result.error().message;
}
Result<std::string> object_of(const KernelProgram& p) { return write_wasm_object({&p, 1}); }
Result<std::string> module_of(const KernelProgram& p) { return write_wasm_module({&p, 1}); }

/// What LLVM's reader makes of a file, valid as long as `bytes` lives.
std::unique_ptr<llvm::object::WasmObjectFile> read(const std::string& bytes) {
  auto file = llvm::object::ObjectFile::createWasmObjectFile(llvm::MemoryBufferRef(bytes, "m"));
  EXPECT_TRUE(bool(file));
  return file ? std::move(*file) : nullptr;
}

std::string custom_section(const llvm::object::WasmObjectFile& file, llvm::StringRef name) {
  for (const llvm::object::SectionRef& section : file.sections()) {
    const auto& wasm = file.getWasmSection(section);
    if (wasm.Type == llvm::wasm::WASM_SEC_CUSTOM && wasm.Name == name)
      return {reinterpret_cast<const char*>(wasm.Content.data()), wasm.Content.size()};
  }
  return "none";
}

TEST(WasmModule, ExportsEntriesChunksMemoryAndHeapBase_AndImportsNothing) {
  const auto module = module_of(wasm_program({.output_channels = 2, .input_channels = 8, .tile_rows = 2}));
  ASSERT_TRUE(module) << module.error().message;
  const auto file = read(*module);
  std::vector<std::string> names;
  for (const auto& e : file->exports()) names.push_back(e.Name.str());
  EXPECT_THAT(names, testing::UnorderedElementsAre("memory", "__heap_base", "k", "k.items", "k.chunk.0", "k.chunk.1"));
  EXPECT_TRUE(file->imports().empty());
}

TEST(WasmModule, MemoryMayGrow) {
  const auto module = module_of(wasm_program({}));
  const auto file = read(*module);
  ASSERT_EQ(file->memories().size(), 1u);
  EXPECT_EQ(file->memories()[0].Flags & llvm::wasm::WASM_LIMITS_FLAG_HAS_MAX, 0);
}

TEST(WasmModule, CarriesItsDescription) {
  const KernelProgram p = wasm_program({.output_channels = 2, .pixels = 31, .tile_rows = 2});
  const auto module = module_of(p);
  EXPECT_EQ(custom_section(*read(*module), "espalier"),
            fmt::format(R"({{"abi_version":3,"features":["simd128"],"kernels":[{{"name":"k","output_channels":2,)"
                        R"("input_channels":14,"nonzeros":{},"pixels":31,"max_pixels":31,"input_stride":40,)"
                        R"("output_stride":41,"input_panel":0,"output_panel":0,"pixel_block":24,"pixel_multiple":1,)"
                        R"("groups":1,"chunks":3,"weight_bytes":{},"indices_bytes":0}}]}})",
                        p.nonzeros, p.stream.size() * 4));
}

TEST(WasmObject, NamesTheFeaturesItUses) {
  const auto plain = object_of(wasm_program({})), relaxed = object_of(wasm_program({.cpu = "relaxed"}));
  EXPECT_EQ(custom_section(*read(*plain), "target_features"), "\x01+\x07simd128");
  EXPECT_EQ(custom_section(*read(*relaxed), "target_features"), "\x02+\x0crelaxed-simd+\x07simd128");
}

TEST(WasmObject, HoldsTheWeightsAsData) {
  const KernelProgram p = wasm_program({});
  const auto object = object_of(p);
  const auto file = read(*object);
  ASSERT_EQ(file->dataSegments().size(), 1u);
  const auto& segment = file->dataSegments().front().Data;
  EXPECT_EQ(segment.Name, ".rodata.k.weights");
  ASSERT_EQ(segment.Content.size(), p.stream.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(segment.Content.data(), p.stream.data(), segment.Content.size()), 0);
}

TEST(WasmObject, HoldsTheIndicesAsData_LittleEndianOfEitherSize) {
  KernelProgram p = wasm_program({});
  p.indices = {0x1234, 7, 0xfffe};
  const auto content = [](const std::string& object) {
    const auto file = read(object);
    const auto& segment = file->dataSegments().back().Data;
    return segment.Name == ".rodata.k.indices" ? llvm::toHex(segment.Content, true) : "no indices";
  };
  EXPECT_EQ(content(*object_of(p)), "34120700feff");
  p.index_bytes = 4;
  EXPECT_EQ(content(*object_of(p)), "3412000007000000feff0000");
}

TEST(WasmModule, DescribesPanels) {
  KernelProgram p = wasm_program({.pixels = 31});
  p.input_panel = p.input_stride = 40, p.output_panel = p.output_stride = 8;
  p.pixel_multiple = 4, p.indices = {1, 2, 3};
  const auto module = module_of(p);
  ASSERT_TRUE(module) << module.error().message;
  const std::string description = custom_section(*read(*module), "espalier");
  EXPECT_THAT(description, HasSubstr(R"("input_panel":40,"output_panel":8,"pixel_block":24,"pixel_multiple":4,)"));
  EXPECT_THAT(description, HasSubstr(R"("indices_bytes":6)"));
}

TEST(WasmModule, DescribesTheOrderOfRows) {
  KernelProgram p = wasm_program({.pixels = 31});
  const auto natural = module_of(p);
  ASSERT_TRUE(natural) << natural.error().message;
  EXPECT_THAT(custom_section(*read(*natural), "espalier"), testing::Not(HasSubstr("output_order")));
  for (uint32_t row = p.output_channels; row > 0; --row) p.output_order.push_back(row - 1);
  const auto module = module_of(p);
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_THAT(custom_section(*read(*module), "espalier"),
              HasSubstr(fmt::format(R"("output_order":[{}])", fmt::join(p.output_order, ","))));
}

TEST(WasmModule, IsTheSameEveryTime_AlsoFromSeveralThreads) {
  const std::vector<KernelProgram> programs = {wasm_program({.name = "a"}), wasm_program({.name = "b", .seed = 2})};
  const auto first = write_wasm_module(programs);
  ASSERT_TRUE(first) << first.error().message;
  std::vector<std::string> others(4);
  std::vector<std::thread> threads;
  for (std::string& other : others) threads.emplace_back([&] { other = *write_wasm_module(programs); });
  for (std::thread& t : threads) t.join();
  for (const std::string& other : others) EXPECT_EQ(other, *first);
  EXPECT_EQ(*write_wasm_object(programs), *write_wasm_object(programs));
}

TEST(WasmModule, OfNoKernelsIsValid) {
  const auto module = write_wasm_module({});
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(custom_section(*read(*module), "espalier"), R"({"abi_version":3,"features":[],"kernels":[]})");
}

TEST(WasmModule, RefusesProgramsForOtherTargets) {
  KernelProgram p = wasm_program({});
  p.target = *find_target("x86_64-linux", "avx2");
  EXPECT_EQ(error_of(module_of(p), ErrorKind::kInternal), "kernel k: made for target x86_64-linux, not for wasm32");
}

TEST(WasmModule, RefusesNamesThatModulesReserve) {
  for (const char* name : {"memory", "__heap_base"})
    EXPECT_EQ(error_of(module_of(wasm_program({.name = name})), ErrorKind::kBadInput),
              fmt::format("kernel {}: WebAssembly modules reserve this name", name));
}

TEST(WasmModule, RefusesOneNameTwice) {
  const std::vector<KernelProgram> programs = {wasm_program({.name = "a"}), wasm_program({.name = "a", .seed = 2})};
  EXPECT_EQ(error_of(write_wasm_module(programs), ErrorKind::kBadInput),
            "kernel a: two kernels of one module have this name");
}

TEST(WasmModule, RefusesBuffersThat32BitsDoNotAddress) {
  KernelProgram p = wasm_program({});
  p.input_stride = 1u << 30;
  EXPECT_EQ(error_of(module_of(p), ErrorKind::kLimit),
            "kernel k: the input has 60129542144 bytes, but WebAssembly addresses 4294967296");
  p.input_stride = 40, p.output_stride = 1u << 30;
  EXPECT_EQ(error_of(module_of(p), ErrorKind::kLimit),
            "kernel k: the output has 42949672960 bytes, but WebAssembly addresses 4294967296");
  p.output_panel = p.output_stride = 16, p.pixels = 1u << 27;
  EXPECT_EQ(error_of(module_of(p), ErrorKind::kLimit),
            "kernel k: the output has 5368709120 bytes, but WebAssembly addresses 4294967296");
}

TEST(WasmModule, NamesTheChunkOfAnOperationThatItLacks) {
  KernelProgram p = wasm_program({});
  p.chunks[2].tiles[1].ops[0].op = Op::kFmaLane;
  EXPECT_EQ(error_of(module_of(p), ErrorKind::kInternal),
            "kernel k: chunk 2: tile 1: operation 0 (fma_lane) is not one that WebAssembly has");
}

TEST(WasmModule, RefusesChunksAboveTheEnginesLimit) {
  KernelProgram p = wasm_program({});
  const MicroOp fma{.op = Op::kFma};
  p.chunks[1].tiles[0].ops.assign(600'000, fma);
  EXPECT_THAT(error_of(module_of(p), ErrorKind::kLimit),
              testing::MatchesRegex("kernel k: chunk 1: 8[0-9]+ bytes of code, but a WebAssembly function may have "
                                    "7654321; a smaller chunk in the schedule helps"));
}

TEST(WasmSizeBudget, EndsAtTheEnginesLimit) {
  wasm::SizeBudget budget;
  EXPECT_TRUE(budget.add(kMaxWasmModuleBytes - 5));
  EXPECT_TRUE(budget.add(5));
  const Status over = budget.add(1);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::kLimit);
  EXPECT_EQ(over.error().message,
            "code and data up to here have 1073741825 bytes, but a WebAssembly module may have 1073741824");
}

TEST(WasmModule, RefusesMoreCallsThanOneFunctionHolds) {
  KernelProgram p = wasm_program({.output_channels = 1});
  p.chunks.assign(500'000, {});
  p.groups = {{0, 1, 0, 500'000}};
  EXPECT_THAT(
      error_of(object_of(p), ErrorKind::kLimit),
      testing::MatchesRegex("kernel k: calling 500000 chunks takes up to [0-9]+ bytes of code, but a WebAssembly "
                            "function may have 7654321"));
}

TEST(WasmLinker, SaysWhatLldSaid_AndLinksAgainAfterwards) {
  EXPECT_THAT(error_of(wasm::link_module("not an object"), ErrorKind::kInternal),
              StartsWith("lld refused the object: "));
  const auto object = object_of(wasm_program({}));
  EXPECT_TRUE(wasm::link_module(*object));
}

/// In a process of its own, since lld is not usable afterwards.
TEST(WasmLinkerDeathTest, SurvivesObjectsThatAreCutShort_ButRunsNoMore) {
  const auto object = object_of(wasm_program({}));
  const auto run = [&] {
    const std::string first = error_of(wasm::link_module(object->substr(0, object->size() / 2)), ErrorKind::kInternal);
    const std::string second = error_of(wasm::link_module(*object), ErrorKind::kInternal);
    fmt::print(stderr, "{}; then {}", first, second);
    std::_Exit(0);  // what lld leaks when it gives up is not ours to report
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0),
              "^lld refused the object: .*; then lld cannot run again in this process after an earlier crash$");
}

class TemporaryPath : public testing::Test {
 protected:
  void SetUp() override {
    const char* old = std::getenv("TMPDIR");
    had_ = old != nullptr;
    old_ = old ? old : "";
  }
  void TearDown() override {
    if (had_)
      setenv("TMPDIR", old_.c_str(), 1);
    else
      unsetenv("TMPDIR");
  }
  bool had_ = false;
  std::string old_;
};

TEST_F(TemporaryPath, ThatDoesNotExistIsASystemError) {
  setenv("TMPDIR", "/nonexistent/espalier", 1);
  EXPECT_EQ(error_of(module_of(wasm_program({})), ErrorKind::kSystem),
            "cannot make a temporary directory for the linker: No such file or directory");
}

TEST_F(TemporaryPath, IsLeftEmpty) {
  const TemporaryFolder folder;
  setenv("TMPDIR", folder.path().c_str(), 1);
  EXPECT_TRUE(module_of(wasm_program({})));
  EXPECT_FALSE(wasm::link_module("not an object"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace espalier::test
