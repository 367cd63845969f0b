#include "ir/import/npz.h"

#include "import_test.h"
#include "npy_zip_files.h"
#include "tflite_files.h"

namespace espalier::test {
namespace {

using ::testing::ElementsAre;

ZipEntry entry(std::string name, std::string data) {
  ZipEntry e;
  e.name = std::move(name);
  e.data = std::move(data);
  return e;
}

std::string plain_npz(const std::string& name, std::string_view shape, const std::vector<float>& values,
                      const std::vector<float>& bias = {}) {
  std::vector<ZipEntry> entries{entry(name + ".npy", npy_floats(shape, values))};
  if (!bias.empty()) entries.push_back(entry(name + "_bias.npy", npy_floats(fmt::format("({},)", bias.size()), bias)));
  return zip_file(entries);
}

TEST(Npz, ReadsStoredDeflatedDescriptorAndZip64Members) {
  for (const int variant : {0, 1, 2, 3, 4}) {
    ZipEntry e = entry("w.npy", npy_floats("(4, 6)", fixture_dense()));
    e.deflate = variant > 0;
    e.descriptor = variant == 2;
    e.zip64 = variant >= 3;
    ZipEnd end;
    end.zip64 = variant == 4;
    end.comment = "a comment";
    EXPECT_EQ(dense_of(one_matrix("a.npz", zip_file({e}, end)).matrix), fixture_dense()) << variant;
  }
}

TEST(Npz, PassesOverMembersThatAreNoArrays) {
  const auto members = parse_npz(
      "a.npz", as_byte_span(zip_file({entry("readme.txt", "hello"), entry("w.npy", npy_floats("(1,)", {1}))})));
  ASSERT_TRUE(members) << members.error().message;
  ASSERT_EQ(members->size(), 1u);
  EXPECT_EQ((*members)[0].name, "w");
}

TEST(Npz, ReadsWhatNumpyWrote) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const auto matrices = read_matrices(fixture(name));
    ASSERT_TRUE(matrices) << matrices.error().message;
    ASSERT_EQ(matrices->size(), 1u);
    EXPECT_EQ((*matrices)[0].name, "layer");
    EXPECT_EQ(dense_of((*matrices)[0].matrix), fixture_dense());
    EXPECT_THAT((*matrices)[0].bias, ElementsAre(0, 1, 2, 3));
  }
}

TEST(Npz, TakesTwoDimensionsAsOutputTimesInput) {
  const NamedMatrix m = one_matrix("a.npz", plain_npz("w", "(2, 3)", {1, 2, 3, 4, 5, 6}, {7, 8}));
  EXPECT_THAT(dense_of(m.matrix), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(m.kind, "matrix");
}

TEST(Npz, TransposesWhereOnlyTheSecondDimensionFitsTheBias) {
  const NamedMatrix m = one_matrix("a.npz", plain_npz("w", "(2, 3)", {1, 2, 3, 4, 5, 6}, {7, 8, 9}));
  EXPECT_EQ(m.matrix.rows(), 3u);
  EXPECT_THAT(dense_of(m.matrix), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(m.bias, ElementsAre(7, 8, 9));
}

TEST(Npz, TransposesOnRequest) {
  ImportOptions options;
  options.transpose = true;
  EXPECT_THAT(dense_of(one_matrix("a.npz", plain_npz("w", "(2, 2)", {1, 2, 3, 4}), options).matrix),
              ElementsAre(1, 3, 2, 4));
  options.transpose = false;
  EXPECT_THAT(dense_of(one_matrix("a.npz", plain_npz("w", "(2, 2)", {1, 2, 3, 4}), options).matrix),
              ElementsAre(1, 2, 3, 4));
}

TEST(Npz, ReadsAllThreeLayoutsOf1x1Convolutions) {
  const std::vector<float> oi{1, 2, 3, 4, 5, 6}, io{1, 4, 2, 5, 3, 6};
  EXPECT_EQ(dense_of(one_matrix("a.npz", plain_npz("w", "(2, 3, 1, 1)", oi)).matrix), oi);
  EXPECT_EQ(dense_of(one_matrix("a.npz", plain_npz("w", "(2, 1, 1, 3)", oi)).matrix), oi);
  EXPECT_EQ(dense_of(one_matrix("a.npz", plain_npz("w", "(1, 1, 3, 2)", io)).matrix), oi);
  EXPECT_EQ(one_matrix("a.npz", plain_npz("w", "(1, 1, 3, 2)", io)).kind, "conv1x1");
}

TEST(Npz, FindsTheBiasOfAKernel) {
  const std::string bytes = zip_file(
      {entry("dense_kernel.npy", npy_floats("(1, 2)", {1, 2})), entry("dense_bias.npy", npy_floats("(1,)", {5})),
       entry("fc.weight.npy", npy_floats("(1, 2)", {1, 2})), entry("fc.bias.npy", npy_floats("(1,)", {6}))});
  const std::vector<NamedMatrix> matrices = matrices_of("a.npz", bytes);
  ASSERT_EQ(matrices.size(), 2u);
  EXPECT_THAT(matrices[0].bias, ElementsAre(5));
  EXPECT_THAT(matrices[1].bias, ElementsAre(6));
}

TEST(Npz, ListsLargerConvolutionsButDoesNotReadThem) {
  const std::string bytes = zip_file({entry("conv.npy", npy_floats("(1, 1, 3, 3)", std::vector<float>(9, 1.0f))),
                                      entry("stem.npy", npy_floats("(1, 2, 1, 2)", {1, 0, 1, 1})),
                                      entry("w.npy", npy_floats("(1, 1)", {2}))});
  const auto list = parse_weight_list("a.npz", as_byte_span(bytes));
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[1].kind, "conv");
  EXPECT_FALSE((*list)[1].is_matrix);
  EXPECT_EQ((*list)[1].nonzeros, 3u);
  EXPECT_EQ(matrices_of("a.npz", bytes).size(), 2u);
}

TEST(Npz, ReadsThePapersTwelveSparseLayers) {
  const std::filesystem::path path = shared_data("mobilenet_v1_1.0_90.npz");
  if (path.empty()) GTEST_SKIP() << "mobilenet_v1_1.0_90.npz is not in ESPALIER_DATA or ../shared/data";
  const std::pair<uint32_t, uint32_t> shapes[] = {{64, 32},   {128, 64},  {128, 128}, {256, 128},
                                                  {256, 256}, {512, 256}, {512, 512}, {512, 512},
                                                  {512, 512}, {512, 512}, {512, 512}, {1024, 512}};
  for (size_t i = 0; i < 12; ++i) {
    ImportOptions options;
    options.select = fmt::format("contraction_1x1_{}", i);
    const auto matrices = read_matrices(path, options);
    ASSERT_TRUE(matrices) << matrices.error().message;
    const NamedMatrix& m = matrices->at(0);
    EXPECT_EQ(std::pair(m.matrix.rows(), m.matrix.columns()), shapes[i]) << i;
    EXPECT_EQ(m.bias.size(), shapes[i].first) << i;
    EXPECT_NEAR(m.matrix.sparsity(), 0.9, 1e-3) << i;
  }
}

class ScipyFixture : public ::testing::TestWithParam<const char*> {};

TEST_P(ScipyFixture, Scipy_ReadsWhatScipyWrote) {
  const auto matrices = read_matrices(fixture(GetParam()));
  ASSERT_TRUE(matrices) << matrices.error().message;
  ASSERT_EQ(matrices->size(), 1u);
  EXPECT_EQ(dense_of((*matrices)[0].matrix), fixture_dense());
  EXPECT_EQ((*matrices)[0].name, std::filesystem::path(GetParam()).stem());
}
INSTANTIATE_TEST_SUITE_P(Npz, ScipyFixture,
                         ::testing::Values("scipy_csr.npz", "scipy_csc.npz", "scipy_coo.npz", "scipy_bsr.npz",
                                           "scipy_csr_stored.npz", "scipy_csr_int64.npz"));

TEST(Scipy, SumsDuplicatesAndSortsColumns) {
  const std::string bytes = zip_file(with_member(scipy_csr_members(), "indices.npy", npy_int32("(4,)", {2, 0, 1, 1})));
  EXPECT_THAT(dense_of(one_matrix("a.npz", bytes).matrix), ElementsAre(2, 0, 1, 0, /**/ 0, 3, 0, 0, /**/ 0, 4, 0, 0));
}

TEST(Scipy, AcceptsUnicodeFormatNames) {
  const std::string format = npy_file(npy_dictionary("<U3", "()"), raw<int32_t>({'c', 's', 'r'}));
  EXPECT_EQ(one_matrix("a.npz", zip_file(with_member(scipy_csr_members(), "format.npy", format))).matrix.nonzeros(),
            4u);
}

}  // namespace
}  // namespace espalier::test
