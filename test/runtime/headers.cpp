// Compiled as C++11 with all warnings as errors.
#include "espalier/kernel_abi.h"
#include "espalier/network_abi.h"
#include "espalier/threads.h"
#include "espalier/runtime.h"

size_t items_in_cxx11(const espalier_kernel* kernel, size_t pixels);
size_t items_in_cxx11(const espalier_kernel* kernel, size_t pixels) { return espalier_kernel_items(kernel, pixels); }
