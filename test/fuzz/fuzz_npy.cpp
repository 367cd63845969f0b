// libFuzzer entry point for .npy files.
#include "readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  espalier::test::run_reader("npy", std::as_bytes(std::span(data, size)));
  return 0;
}
