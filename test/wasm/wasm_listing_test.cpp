// Listings show the code of the module, all of it, with the instructions that were promised.
#include "backends/wasm/wasm_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "llvm/Object/Wasm.h"

namespace espalier::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The module of a 5x6 layer.
std::string module_for(std::string_view cpu) {
  KernelSpec spec;
  spec.name = "layer";
  spec.matrix = random_sparse_matrix(5, 6, 0.5, 3);
  spec.clamp.low = 0;
  spec.pixels = 12;
  spec.input_stride = spec.output_stride = 12;
  const auto program = compile_kernel(spec, *find_target("wasm32", cpu));
  EXPECT_TRUE(program);
  const auto module = write_wasm_module({&*program, 1});
  EXPECT_TRUE(module) << (module ? "" : module.error().message);
  return *module;
}

std::string listing_of(const std::string& module) {
  const auto text = print_wasm_assembly(module);
  EXPECT_TRUE(text) << (text ? "" : text.error().message);
  return text ? *text : "";
}

/// Labels with their sizes, in order.
std::vector<std::string> labels_in(const std::string& listing) {
  std::vector<std::string> labels;
  std::istringstream lines(listing);
  for (std::string line; std::getline(lines, line);)
    if (line.find(":  ; ") != std::string::npos) labels.push_back(line);
  return labels;
}

TEST(WasmListing, LabelsEveryFunctionWithItsSize) {
  const std::string module = module_for("simd128");
  auto file = llvm::object::ObjectFile::createWasmObjectFile(llvm::MemoryBufferRef(module, "m"));
  ASSERT_TRUE(bool(file));
  std::vector<std::string> wanted;
  for (const auto& function : (*file)->functions())
    wanted.push_back(fmt::format("{}:  ; {} bytes", function.ExportName->str(), function.Body.size()));
  EXPECT_EQ(labels_in(listing_of(module)), wanted);
  EXPECT_THAT(wanted, testing::Contains(testing::StartsWith("layer.chunk.0:")));
  EXPECT_THAT(wanted, testing::Contains(testing::StartsWith("layer.items:")));
}

TEST(WasmListing, DecodesEveryByte) {
  const std::string listing = listing_of(module_for("relaxed"));
  EXPECT_THAT(listing, Not(HasSubstr("<unknown>")));
  EXPECT_THAT(listing, HasSubstr("\t.local"));
  EXPECT_THAT(listing, HasSubstr("v128"));
  EXPECT_THAT(listing, HasSubstr(":\tv128.store"));
}

TEST(WasmListing, ShowsTheArithmeticOfEachCpu) {
  const std::string plain = listing_of(module_for("simd128")), relaxed = listing_of(module_for("relaxed"));
  EXPECT_THAT(plain, HasSubstr(":\tf32x4.mul"));
  EXPECT_THAT(plain, Not(HasSubstr("relaxed_madd")));
  EXPECT_THAT(relaxed, HasSubstr(":\tf32x4.relaxed_madd"));
  EXPECT_THAT(relaxed, Not(HasSubstr("f32x4.mul")));
}

TEST(WasmListing, RefusesBytesThatAreNoModule) {
  const auto text = print_wasm_assembly("no module");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::kInternal);
  EXPECT_THAT(text.error().message, testing::StartsWith("cannot list a module: "));
}

}  // namespace
}  // namespace espalier::test
