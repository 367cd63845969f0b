#include "codegen/cli/kernel_data.h"

#include <filesystem>
#include <fstream>

#include "codegen/cli/progress.h"

namespace espalier::cli {

std::vector<float> seeded_input(const KernelSpec& spec, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<float> x(spec.input_elements());
  for (float& v : x) v = random.weight();
  return x;
}

std::vector<float> empty_output(const KernelSpec& spec) {
  return std::vector<float>(spec.output_elements());
}

Status write_floats(const std::string& path, const std::vector<float>& values) {
  const HeldInterrupts held;
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  out.close();
  if (!out) return system_error("cannot write {}", path);
  return {};
}

Result<std::vector<float>> read_floats(const std::string& path, size_t count) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return system_error("cannot read {}: {}", path, error.message());
  if (bytes != count * sizeof(float))
    return bad_input("{}: has {} bytes, but the kernel's output has {}", path, bytes, count * sizeof(float));
  std::vector<float> values(count);
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(bytes));
  if (!in) return system_error("cannot read {}", path);
  return values;
}

}  // namespace espalier::cli
