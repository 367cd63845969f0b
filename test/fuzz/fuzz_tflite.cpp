// libFuzzer entry point for .tflite files.
#include "readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  espalier::test::run_reader("tflite", std::as_bytes(std::span(data, size)));
  return 0;
}
