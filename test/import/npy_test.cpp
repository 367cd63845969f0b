#include "ir/import/npy.h"

#include <cmath>

#include "import_test.h"
#include "npy_zip_files.h"

namespace espalier::test {
namespace {

using ::testing::ElementsAre;

NpyArray array_of(std::string_view bytes) {
  Result<NpyArray> array = parse_npy("a.npy", as_byte_span(bytes));
  EXPECT_TRUE(array) << array.error().message;
  return array ? *std::move(array) : NpyArray();
}

struct TypeCase {
  const char* descr;
  std::string data;  ///< the numbers 1 and 2 (b1: true, true)
};

TEST(Npy, ReadsEveryElementTypeInBothByteOrders) {
  const TypeCase cases[] = {
      {"<f2", {"\x00\x3c\x00\x40", 4}},
      {">f2", {"\x3c\x00\x40\x00", 4}},
      {"<f4", raw<float>({1, 2})},
      {">f4", {"\x3f\x80\x00\x00\x40\x00\x00\x00", 8}},
      {"<f8", raw<double>({1, 2})},
      {"|i1", raw<int8_t>({1, 2})},
      {"|u1", raw<uint8_t>({1, 2})},
      {"<i2", raw<int16_t>({1, 2})},
      {">u2", {"\x00\x01\x00\x02", 4}},
      {"<i4", raw<int32_t>({1, 2})},
      {">i4", {"\x00\x00\x00\x01\x00\x00\x00\x02", 8}},
      {"<u4", raw<uint32_t>({1, 2})},
      {"<i8", raw<int64_t>({1, 2})},
      {"=u8", raw<uint64_t>({1, 2})},
  };
  for (const TypeCase& c : cases) {
    const NpyArray array = array_of(npy_file(npy_dictionary(c.descr, "(2,)"), c.data));
    EXPECT_THAT(*array.floats(), ElementsAre(1.0f, 2.0f)) << c.descr;
  }
  EXPECT_THAT(*array_of(npy_file(npy_dictionary("|b1", "(3,)"), {"\x01\x00\x02", 3})).floats(),
              ElementsAre(1.0f, 0.0f, 1.0f));
}

TEST(Npy, ConvertsHalfPrecisionExactly) {
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24f);
  EXPECT_EQ(half_to_float(0x03ff), 1023 * 0x1p-24f);
  EXPECT_EQ(half_to_float(0x0400), 0x1p-14f);
  EXPECT_EQ(half_to_float(0x7bff), 65504.0f);
  EXPECT_EQ(half_to_float(0xc500), -5.0f);
  EXPECT_EQ(half_to_float(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_NE(half_to_float(0x7e00), half_to_float(0x7e00));
}

TEST(Npy, ReordersFortranArraysOfAnyRank) {
  // Element (i, j, k) of a 2 x 3 x 2 array is 100 i + 10 j + k; in Fortran order the first index runs fastest.
  std::vector<int32_t> fortran, c;
  for (int k = 0; k < 2; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) fortran.push_back(100 * i + 10 * j + k);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 2; ++k) c.push_back(100 * i + 10 * j + k);
  const NpyArray array = array_of(npy_file(npy_dictionary("<i4", "(2, 3, 2)", true), raw(fortran)));
  EXPECT_EQ(as_text(array.data), raw(c));
}

TEST(Npy, AcceptsTheDictionaryInAnyOrderAndSpacing) {
  const NpyArray array =
      array_of(npy_file("{\"shape\":( 1L , 2 ),'fortran_order' : False,'descr':'<f4'}  ", raw<float>({3, 4})));
  EXPECT_THAT(array.shape, ElementsAre(1u, 2u));
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_THAT(*array_of(npy_file(npy_dictionary("<f4", "()"), raw<float>({7}))).floats(), ElementsAre(7.0f));
  EXPECT_EQ(array_of(npy_file(npy_dictionary("<f4", "(0, 4)"), "")).elements(), 0u);
  EXPECT_EQ(array_of(npy_file(npy_dictionary("<f4", "(4611686018427387904, 16, 0)", true), "")).elements(), 0u);
}

TEST(Npy, ReadsWhatNumpyWrote) {
  for (const char* name :
       {"c_order.npy", "fortran_order.npy", "big_endian_f8.npy", "half.npy", "version2.npy", "version3.npy"}) {
    const Result<NpyArray> array = read_npy(fixture(name));
    ASSERT_TRUE(array) << array.error().message;
    EXPECT_THAT(array->shape, ElementsAre(4u, 6u)) << name;
    EXPECT_FLOAT_EQ((*array->floats())[3], -2.0f) << name;
    EXPECT_FLOAT_EQ((*array->floats())[11], 3.0f) << name;
  }
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  Result<NpyArray> array = read_npy(fixture("c_order.npy"));
  ASSERT_TRUE(array);
  EXPECT_EQ(npy_bytes(*array), *read_file_bytes(fixture("c_order.npy")));
}

TEST(Npy, ReadsBackWhatItWrote) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "espalier_round_trip.npy";
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const NpyArray array = NpyArray::from_floats({2, 3}, values);
  const Status written = write_npy(path, array);
  ASSERT_TRUE(written) << written.error().message;
  const Result<NpyArray> read = read_npy(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, array);
  std::filesystem::remove(path);
}

TEST(Npy, WritingIntoNoFolderLeavesNothingBehind) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "espalier_no_such_folder";
  const Status status = write_npy(folder / "a.npy", NpyArray());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kSystem);
  EXPECT_EQ(status.error().message, (folder / "a.npy").string() + ": cannot write: No such file or directory");
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(Npy, NamesTheFileThatCannotBeRead) {
  const Result<NpyArray> missing = read_npy("no_such.npy");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "no_such.npy: cannot open: No such file or directory");
  const Result<NpyArray> folder = read_npy("/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().message, "/: cannot read: Is a directory");
}

TEST(Npy, RefusesFilesOf4GiB) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "espalier_huge.npy";
  ASSERT_TRUE(write_file_bytes(path, {}));
  std::error_code code;
  std::filesystem::resize_file(path, uint64_t{1} << 32, code);  // a hole: takes no space
  if (code) GTEST_SKIP() << "the temporary folder refuses a file of 4 GiB with a hole";
  const Result<NpyArray> array = read_npy(path);
  std::filesystem::remove(path);
  ASSERT_FALSE(array);
  EXPECT_EQ(array.error().kind, ErrorKind::kLimit);
  EXPECT_EQ(array.error().message, path.string() + ": has 4294967296 bytes, but files must stay below 4294967296");
}

TEST(Npy, GivesIntegersAndTextOnlyWhereTheyAre) {
  EXPECT_THAT(*array_of(npy_file(npy_dictionary("<i8", "(2,)"), raw<int64_t>({-1, 5}))).integers(), ElementsAre(-1, 5));
  EXPECT_EQ(*array_of(npy_file(npy_dictionary("|S3", "()"), "csr")).text(), "csr");
  EXPECT_EQ(*array_of(npy_file(npy_dictionary(">U2", "()"), {"\0\0\0b\0\0\0s", 8})).text(), "bs");
  const NpyArray floats = array_of(npy_floats("(1,)", {1}));
  EXPECT_EQ(floats.integers().error().message, "has elements of type 'f4', but integers are needed");
  EXPECT_EQ(floats.text().error().message, "has elements of type 'f4', but text is needed");
  EXPECT_EQ(array_of(npy_file(npy_dictionary("|S3", "(2,)"), "csrcsc")).text().error().message,
            "has 2 texts, but must have 1");
  EXPECT_EQ(array_of(npy_file(npy_dictionary("|S3", "()"), "csr")).floats().error().message,
            "holds text, but numbers are needed");
  EXPECT_EQ(array_of(npy_file(npy_dictionary("<u8", "(1,)"), raw<uint64_t>({1ull << 63}))).integers().error().message,
            "element 0 is 9223372036854775808, but must be below 2^63");
}

}  // namespace
}  // namespace espalier::test
