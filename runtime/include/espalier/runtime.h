/* The runtime library: checks, loading, CPU features. No LLVM, no C++, no exceptions; kernels themselves need only
 * kernel_abi.h. Every function that can fail returns ESPALIER_OK or an error and writes a zero-terminated sentence for
 * a person into `message` (at most message_bytes bytes with the zero; message may be NULL if message_bytes is 0). All
 * functions may be called from any thread. */
#ifndef ESPALIER_RUNTIME_H
#define ESPALIER_RUNTIME_H

#include "espalier/kernel_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ESPALIER_API __attribute__((visibility("default")))

typedef enum espalier_status {
  ESPALIER_OK = 0,
  ESPALIER_ABI_MISMATCH,   /* made for another ESPALIER_ABI_VERSION */
  ESPALIER_CPU_MISMATCH,   /* needs CPU features this machine lacks */
  ESPALIER_BAD_ARGUMENT,   /* pixels out of range, null or misaligned pointers, items out of range */
  ESPALIER_CANNOT_LOAD,    /* shared object missing or not loadable */
  ESPALIER_NO_SUCH_KERNEL, /* no symbol of that name */
  ESPALIER_NO_MEMORY,      /* no memory, or no thread, to be had */
} espalier_status;

/* ESPALIER_CPU_* of the machine this runs on; features whose registers the operating system does not save are absent.
 */
ESPALIER_API uint64_t espalier_host_cpu_features(void);

/* The name of one feature bit, e.g. "avx512f"; NULL for an unknown bit. */
ESPALIER_API const char* espalier_cpu_feature_name(uint64_t bit);

/* Refuses a kernel of another ABI version or for features in `kernel->cpu_features` that `host_features` lacks. */
ESPALIER_API espalier_status espalier_kernel_check(const espalier_kernel* kernel, uint64_t host_features, char* message,
                                                   size_t message_bytes);

/* espalier_kernel_check for this machine, argument checks, then espalier_kernel_run. */
ESPALIER_API espalier_status espalier_kernel_run_checked(const espalier_kernel* kernel, const float* x, float* y,
                                                         size_t pixels, char* message, size_t message_bytes);

/* Copies an image (`channels` rows of `pixels` elements, `stride` elements apart) into panels of `panel` pixels, which
 * take espalier_buffer_elements(channels, pixels, stride, panel) elements; the padding of the last one becomes 0.
 *     panels[(p / panel * channels + c) * panel + p % panel] = image[c * stride + p]
 * Elements are fp32; the two must not overlap; panel > 0. */
ESPALIER_API void espalier_pack(const float* image, size_t channels, size_t pixels, size_t stride, float* panels,
                                size_t panel);
/* The other way; what lies between the pixels of the image's rows is left alone. */
ESPALIER_API void espalier_unpack(const float* panels, size_t channels, size_t pixels, size_t panel, float* image,
                                  size_t stride);

/* Copies the pixels of Y, as `kernel` has written it, to where the natural order has them: row m to row
 * output_order[m] of `natural`, which has the same layout and must not overlap. */
ESPALIER_API void espalier_natural_order(const espalier_kernel* kernel, const float* y, size_t pixels, float* natural);

/* A loaded shared object of kernels. */
typedef struct espalier_library espalier_library;

/* Loads the shared object at `path`. On success *library must be closed; its kernels live as long as it does. */
ESPALIER_API espalier_status espalier_library_open(const char* path, espalier_library** library, char* message,
                                                   size_t message_bytes);
/* Finds and checks the kernel `name`. */
ESPALIER_API espalier_status espalier_library_kernel(espalier_library* library, const char* name,
                                                     const espalier_kernel** kernel, char* message,
                                                     size_t message_bytes);
ESPALIER_API void espalier_library_close(espalier_library* library);

#ifdef __cplusplus
}
#endif
#endif
