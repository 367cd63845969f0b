#include <gtest/gtest.h>

#include <string>

#include "espalier/runtime.h"

namespace espalier {
namespace {

/// Opens a shared object and closes it again.
class Library {
 public:
  explicit Library(const char* path) : status(espalier_library_open(path, &library_, message, sizeof message)) {}
  ~Library() { espalier_library_close(library_); }
  Library(const Library&) = delete;

  espalier_status find(const char* name, const espalier_kernel** kernel) {
    return espalier_library_kernel(library_, name, kernel, message, sizeof message);
  }
  bool is_null() const { return library_ == nullptr; }

 private:
  espalier_library* library_ = nullptr;

 public:
  char message[300] = "";
  espalier_status status;
};

TEST(Library, FindsAndRunsAKernel) {
  Library library(ESPALIER_SAMPLE_KERNELS);
  ASSERT_EQ(library.status, ESPALIER_OK) << library.message;
  const espalier_kernel* kernel = nullptr;
  ASSERT_EQ(library.find("sample_twice", &kernel), ESPALIER_OK) << library.message;
  EXPECT_STREQ(kernel->name, "sample");
  const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  float y[8] = {};
  espalier_kernel_run(kernel, x, y, 7);
  EXPECT_EQ(y[6], 14);
  EXPECT_EQ(y[7], 0);
}

TEST(Library, AMissingFileIsNamed) {
  Library library("./no/such/library.so");
  EXPECT_EQ(library.status, ESPALIER_CANNOT_LOAD);
  EXPECT_TRUE(library.is_null());
  EXPECT_TRUE(std::string(library.message).starts_with("cannot load ./no/such/library.so: ")) << library.message;
}

TEST(Library, AFileThatIsNoLibraryIsRefused) {
  Library library(ESPALIER_NOT_A_LIBRARY);
  EXPECT_EQ(library.status, ESPALIER_CANNOT_LOAD);
  EXPECT_TRUE(std::string(library.message).starts_with("cannot load " ESPALIER_NOT_A_LIBRARY ": ")) << library.message;
}

TEST(Library, ANullPathIsRefused) {
  Library library(nullptr);  // to dlopen, null is the program itself
  EXPECT_EQ(library.status, ESPALIER_BAD_ARGUMENT);
  EXPECT_TRUE(library.is_null());
  EXPECT_STREQ(library.message, "the path of the library is a null pointer");
}

TEST(Library, AMissingKernelIsNamed) {
  Library library(ESPALIER_SAMPLE_KERNELS);
  const espalier_kernel* kernel = nullptr;
  EXPECT_EQ(library.find("sample_thrice", &kernel), ESPALIER_NO_SUCH_KERNEL);
  EXPECT_STREQ(library.message, "the library has no kernel named sample_thrice");
  EXPECT_EQ(kernel, nullptr);
}

TEST(Library, KernelsThisMachineOrVersionCannotRunAreRefused) {
  Library library(ESPALIER_SAMPLE_KERNELS);
  const espalier_kernel* kernel = nullptr;
  EXPECT_EQ(library.find("sample_of_tomorrow", &kernel), ESPALIER_ABI_MISMATCH);
  EXPECT_STREQ(library.message, "kernel was made for ABI version 4, but this runtime has version 3");
  EXPECT_EQ(library.find("sample_for_another_machine", &kernel), ESPALIER_CPU_MISMATCH);
  EXPECT_EQ(kernel, nullptr);
}

TEST(Library, MessagesMayBeLeftOut) {
  espalier_library* library = nullptr;
  EXPECT_EQ(espalier_library_open("./no/such/library.so", &library, nullptr, 0), ESPALIER_CANNOT_LOAD);
  ASSERT_EQ(espalier_library_open(ESPALIER_SAMPLE_KERNELS, &library, nullptr, 0), ESPALIER_OK);
  const espalier_kernel* kernel = nullptr;
  EXPECT_EQ(espalier_library_kernel(library, "none", &kernel, nullptr, 0), ESPALIER_NO_SUCH_KERNEL);
  espalier_library_close(library);
}

TEST(Library, ClosingNoneIsNothing) { espalier_library_close(nullptr); }

}  // namespace
}  // namespace espalier
