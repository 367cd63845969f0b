#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "espalier/runtime.h"

struct espalier_library {
  void* handle;
};

espalier_status espalier_library_open(const char* path, espalier_library** library, char* message,
                                      size_t message_bytes) {
  *library = NULL;
  if (!path) { /* to dlopen, the program itself */
    if (message_bytes) snprintf(message, message_bytes, "the path of the library is a null pointer");
    return ESPALIER_BAD_ARGUMENT;
  }
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  espalier_library* opened = handle ? malloc(sizeof *opened) : NULL;
  if (!opened) {
    const char* reason = handle ? "out of memory" : dlerror();
    if (message_bytes) snprintf(message, message_bytes, "cannot load %s: %s", path, reason);
    if (handle) dlclose(handle);
    return ESPALIER_CANNOT_LOAD;
  }
  opened->handle = handle;
  *library = opened;
  return ESPALIER_OK;
}

espalier_status espalier_library_kernel(espalier_library* library, const char* name, const espalier_kernel** kernel,
                                        char* message, size_t message_bytes) {
  *kernel = NULL;
  const espalier_kernel* found = dlsym(library->handle, name);
  if (!found) {
    if (message_bytes) snprintf(message, message_bytes, "the library has no kernel named %s", name);
    return ESPALIER_NO_SUCH_KERNEL;
  }
  const espalier_status status = espalier_kernel_check(found, espalier_host_cpu_features(), message, message_bytes);
  if (status == ESPALIER_OK) *kernel = found;
  return status;
}

void espalier_library_close(espalier_library* library) {
  if (!library) return;
  dlclose(library->handle);
  free(library);
}
