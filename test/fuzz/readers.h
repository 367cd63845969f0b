// What the fuzz targets and their replay run on each input.
#pragma once

#include <string_view>

#include "ir/import/bytes.h"

namespace espalier::test {

/// One format under fuzzing: the folder of its seeds, and everything that the library offers for its files. `run` ends
/// the process where a reader breaks its promises; any Error is fine.
struct FuzzedReader {
  std::string_view format;
  void (*run)(Bytes bytes);
};

inline constexpr size_t kFuzzedReaders = 7;
extern const FuzzedReader kReaders[kFuzzedReaders];  // npy, npz, mtx, smtx, tflite, tflite_network, onnx_network

/// Runs the reader of that format.
void run_reader(std::string_view format, Bytes bytes);

}  // namespace espalier::test
