// libFuzzer entry point for .onnx files as whole networks.
#include "readers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  espalier::test::run_reader("onnx_network", std::as_bytes(std::span(data, size)));
  return 0;
}
