// libFuzzer entry point for .mtx files.
#include "readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  espalier::test::run_reader("mtx", std::as_bytes(std::span(data, size)));
  return 0;
}
