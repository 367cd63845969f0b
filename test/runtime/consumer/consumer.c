#include <stdio.h>

#include "espalier/runtime.h"

int main(void) {
  char message[128] = "";
  const espalier_status status = espalier_kernel_check(NULL, espalier_host_cpu_features(), message, sizeof message);
  puts(message);
  return status == ESPALIER_BAD_ARGUMENT ? 0 : 1;
}
