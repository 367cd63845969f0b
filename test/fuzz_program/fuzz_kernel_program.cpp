// libFuzzer: any bytes as the text of a kernel program. See test/ir/kernel_program_check.h for what must hold.
#include <cstdio>
#include <cstdlib>

#include "kernel_program_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto verdict = espalier::test::check_program_text({reinterpret_cast<const char*>(data), size});
  if (verdict.problem.empty()) return 0;
  std::fprintf(stderr, "%s\n", verdict.problem.c_str());
  std::abort();
}
