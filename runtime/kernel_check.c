#include <stdarg.h>
#include <stdio.h>

#include "espalier/runtime.h"

static void say(char* message, size_t bytes, const char* format, ...) {
  if (bytes == 0) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, bytes, format, arguments);
  va_end(arguments);
}

espalier_status espalier_kernel_check(const espalier_kernel* kernel, uint64_t host_features, char* message,
                                      size_t message_bytes) {
  if (!kernel) {
    say(message, message_bytes, "kernel is a null pointer");
    return ESPALIER_BAD_ARGUMENT;
  }
  if (kernel->abi_version != ESPALIER_ABI_VERSION) {
    say(message, message_bytes, "kernel was made for ABI version %u, but this runtime has version %u",
        (unsigned)kernel->abi_version, (unsigned)ESPALIER_ABI_VERSION);
    return ESPALIER_ABI_MISMATCH;
  }
  if (kernel->struct_bytes != sizeof(espalier_kernel)) {
    say(message, message_bytes, "kernel descriptor has %u bytes, but this runtime reads %u",
        (unsigned)kernel->struct_bytes, (unsigned)sizeof(espalier_kernel));
    return ESPALIER_ABI_MISMATCH;
  }
  const uint64_t missing = kernel->cpu_features & ~host_features;
  if (missing) {
    const uint64_t first = missing & (~missing + 1);
    const char* name = espalier_cpu_feature_name(first);
    say(message, message_bytes, "kernel %s needs the CPU feature %s, which this machine does not have", kernel->name,
        name ? name : "unknown to this runtime");
    return ESPALIER_CPU_MISMATCH;
  }
  return ESPALIER_OK;
}

static espalier_status check_arguments(const espalier_kernel* kernel, const float* x, const float* y, size_t pixels,
                                       char* message, size_t message_bytes) {
  if (kernel->pixels != 0 && pixels != kernel->pixels) {
    say(message, message_bytes, "kernel %s is for %u pixels, but was called with %zu", kernel->name,
        (unsigned)kernel->pixels, pixels);
    return ESPALIER_BAD_ARGUMENT;
  }
  if (pixels > kernel->max_pixels) {
    say(message, message_bytes, "kernel %s takes at most %u pixels, but was called with %zu", kernel->name,
        (unsigned)kernel->max_pixels, pixels);
    return ESPALIER_BAD_ARGUMENT;
  }
  const int no_x = !x && kernel->input_channels != 0, no_y = !y && kernel->output_channels != 0;
  if (no_x || no_y) {
    say(message, message_bytes, "kernel %s was called with a null pointer for %s", kernel->name, no_x ? "x" : "y");
    return ESPALIER_BAD_ARGUMENT;
  }
  if ((uintptr_t)x % sizeof(float) != 0 || (uintptr_t)y % sizeof(float) != 0) {
    say(message, message_bytes, "kernel %s was called with %s not aligned to %zu bytes", kernel->name,
        (uintptr_t)x % sizeof(float) != 0 ? "x" : "y", sizeof(float));
    return ESPALIER_BAD_ARGUMENT;
  }
  return ESPALIER_OK;
}

espalier_status espalier_kernel_run_checked(const espalier_kernel* kernel, const float* x, float* y, size_t pixels,
                                            char* message, size_t message_bytes) {
  espalier_status status = espalier_kernel_check(kernel, espalier_host_cpu_features(), message, message_bytes);
  if (status == ESPALIER_OK) status = check_arguments(kernel, x, y, pixels, message, message_bytes);
  if (status == ESPALIER_OK) espalier_kernel_run(kernel, x, y, pixels);
  return status;
}
