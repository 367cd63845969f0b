// The sparse product of Intel's MKL. Its headers are not needed: the library, from PyPI's package `mkl` for instance,
// is loaded when the program runs, from the path that ESPALIER_MKL names or by its name.
#include <dlfcn.h>

#include <cstdlib>
#include <memory>

#include "bench/peers/peer.h"

namespace espalier {
namespace {

// Of MKL's inspector-executor interface with 32-bit integers (mkl_spblas.h, mkl_service.h).
constexpr int kNonTranspose = 10, kGeneral = 20, kLower = 40, kNonUnit = 50, kRowMajor = 101, kZeroBased = 0;
constexpr int kSequential = 1, kManyCalls = 1000;
struct Description {
  int type = kGeneral, mode = kLower, diagonal = kNonUnit;
};
using Handle = void*;
using Create = int (*)(Handle*, int, int, int, int*, int*, int*, float*);
using Hint = int (*)(Handle, int, Description, int, int, int);
using Optimize = int (*)(Handle);
using Multiply = int (*)(int, float, Handle, Description, int, const float*, int, int, float, float*, int);
using Destroy = int (*)(Handle);
using SetThreading = int (*)(int);

struct Mkl {
  Create create = nullptr;
  Hint hint = nullptr;
  Optimize optimize = nullptr;
  Multiply multiply = nullptr;
  Destroy destroy = nullptr;
};

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

void* open_library() {
  const char* named = std::getenv("ESPALIER_MKL");
  for (const char* name : {named ? named : "libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so"})
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}

/// Nothing where there is no library, or one without these functions.
const Mkl* loaded() {
  static const Mkl* const mkl = []() -> const Mkl* {
    static Mkl found;
    void* library = open_library();
    SetThreading set_threading = nullptr;
    if (!library || !find(library, "MKL_Set_Threading_Layer", set_threading)) return nullptr;
    set_threading(kSequential);
    const bool complete =
        find(library, "mkl_sparse_s_create_csr", found.create) && find(library, "mkl_sparse_set_mm_hint", found.hint) &&
        find(library, "mkl_sparse_optimize", found.optimize) && find(library, "mkl_sparse_s_mm", found.multiply) &&
        find(library, "mkl_sparse_destroy", found.destroy);
    return complete ? &found : nullptr;
  }();
  return mkl;
}

/// The matrix as MKL keeps it: by pointers to the arrays here.
struct Matrix {
  std::vector<int> offsets, columns;
  std::vector<float> values;
  Handle handle = nullptr;

  explicit Matrix(const SparseMatrix& m)
      : offsets(m.row_offsets().begin(), m.row_offsets().end()),
        columns(m.column_indices().begin(), m.column_indices().end()),
        values(m.values().begin(), m.values().end()) {}
  ~Matrix() {
    if (handle) loaded()->destroy(handle);
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;
};

Result<PreparedPeer> prepare(const KernelSpec& given, const Target& target) {
  const KernelSpec spec = with_stride(given, recommended_stride(given.max_pixels(), target.vector->lanes));
  const auto rows = static_cast<int>(spec.matrix.rows()), inputs = static_cast<int>(spec.matrix.columns()),
             pixels = static_cast<int>(spec.max_pixels()), stride = static_cast<int>(spec.input_stride);
  auto matrix = std::make_shared<Matrix>(spec.matrix);
  const int made = loaded()->create(&matrix->handle, kZeroBased, rows, inputs, matrix->offsets.data(),
                                    matrix->offsets.data() + 1, matrix->columns.data(), matrix->values.data());
  if (made != 0) return unsupported("mkl_sparse_s_create_csr failed with status {}", made);
  loaded()->hint(matrix->handle, kNonTranspose, {}, kRowMajor, pixels, kManyCalls);
  if (const int status = loaded()->optimize(matrix->handle); status != 0)
    return unsupported("mkl_sparse_optimize failed with status {}", status);
  auto run = [=](const float* x, float* y) {
    loaded()->multiply(kNonTranspose, 1, matrix->handle, {}, kRowMajor, x, pixels, stride, 0, y, stride);
  };
  return PreparedPeer{layout_of(spec), std::move(run), {}};
}

}  // namespace

std::vector<Peer> mkl_peers() {
  if (!loaded()) return {};
  return {{"MKL", "`mkl_sparse_s_mm` after `mkl_sparse_optimize`, one thread, plain CHW; no bias or clamp", false,
           false, prepare}};
}

}  // namespace espalier
