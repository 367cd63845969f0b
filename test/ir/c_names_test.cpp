#include "ir/c_names.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(CNames, KeywordsOfCAndCppAreReserved) {
  for (const char* name : {"int", "while", "restrict", "typeof", "_Bool", "_Atomic", "class", "dynamic_cast", "char8_t",
                           "co_yield", "contract_assert", "alignas", "xor_eq"})
    EXPECT_TRUE(is_reserved_in_c(name)) << name;
}

TEST(CNames, NamesOfHeadersAndTheCLibraryAreReserved) {
  for (const char* name : {"NULL", "size_t", "uint_fast16_t", "intptr_t", "abort", "exp", "expf", "expl", "y0",
                           "memcpy", "main", "exit", "__init", "_start"})
    EXPECT_TRUE(is_reserved_in_c(name)) << name;
}

TEST(CNames, NamesThatEmittedFilesUseAreReserved) {
  for (const char* name :
       {"x", "y", "pixels", "espalier_kernel", "espalier_kernel_run", "ESPALIER_ABI_VERSION", "memory", "linux"})
    EXPECT_TRUE(is_reserved_in_c(name)) << name;
}

TEST(CNames, NamesOfLayersAreNot) {
  for (const char* name :
       {"conv1",  "conv2d_17", "dense",  "fc",    "logits",   "relu", "add",   "matrix", "weights", "kernel",   "input",
        "output", "module",    "import", "final", "override", "Int",  "WHILE", "x1",     "expel",   "espalier", "a"})
    EXPECT_FALSE(is_reserved_in_c(name)) << name;
}

}  // namespace
}  // namespace espalier
