// What the import tests share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "ir/import/matrix_file.h"

namespace espalier::test {

/// A file in test/import/data, which NumPy 1.24 and SciPy 1.10 wrote.
inline std::filesystem::path fixture(const char* name) {
  return std::filesystem::path(ESPALIER_SOURCE_DIR) / "test/import/data" / name;
}

/// A large file of the shared data folder, or an empty path where there is none.
inline std::filesystem::path shared_data(const char* name) {
  const char* folder = std::getenv("ESPALIER_DATA");
  const std::filesystem::path path =
      (folder != nullptr ? std::filesystem::path(folder)
                         : std::filesystem::path(ESPALIER_SOURCE_DIR) / "../shared/data") /
      name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

inline std::vector<NamedMatrix> matrices_of(std::string_view file_name, std::string_view bytes,
                                            const ImportOptions& options = {}) {
  Result<std::vector<NamedMatrix>> matrices = parse_matrices(file_name, as_byte_span(bytes), options);
  EXPECT_TRUE(matrices) << matrices.error().message;
  return matrices ? *std::move(matrices) : std::vector<NamedMatrix>();
}

inline NamedMatrix one_matrix(std::string_view file_name, std::string_view bytes, const ImportOptions& options = {}) {
  std::vector<NamedMatrix> matrices = matrices_of(file_name, bytes, options);
  EXPECT_EQ(matrices.size(), 1u);
  return matrices.size() == 1 ? std::move(matrices[0]) : NamedMatrix();
}

inline std::vector<float> dense_of(const SparseMatrix& m) {
  std::vector<float> dense(uint64_t{m.rows()} * m.columns());
  for (uint32_t r = 0; r < m.rows(); ++r)
    for (size_t i = 0; i < m.row_columns(r).size(); ++i)
      dense[uint64_t{r} * m.columns() + m.row_columns(r)[i]] = m.row_values(r)[i];
  return dense;
}

}  // namespace espalier::test
