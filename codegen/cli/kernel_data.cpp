#include "codegen/cli/kernel_data.h"

#include <filesystem>
#include <fstream>

#include "codegen/cli/progress.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

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

namespace {

/// One layer's symbol and output_order.
Status add_order(const llvm::json::Value& value, OutputOrders& orders) {
  const llvm::json::Object* layer = value.getAsObject();
  const auto symbol = layer ? layer->getString("symbol") : std::nullopt;
  if (!symbol) return bad_input("has a layer without a symbol");
  std::vector<uint32_t>& order = orders[symbol->str()];
  const llvm::json::Value* field = layer->get("output_order");
  if (field && field->kind() == llvm::json::Value::Null) return {};
  const llvm::json::Array* channels = field ? field->getAsArray() : nullptr;
  if (!channels) return bad_input("has no output_order for {}", symbol->str());
  for (const llvm::json::Value& channel : *channels) {
    const auto number = channel.getAsUINT64();
    if (!number || *number > UINT32_MAX)
      return bad_input("has an output_order for {} with other than numbers", symbol->str());
    order.push_back(static_cast<uint32_t>(*number));
  }
  return {};
}

Result<OutputOrders> orders_of(llvm::StringRef text) {
  auto json = llvm::json::parse(text);
  if (!json) return bad_input("is no JSON: {}", llvm::toString(json.takeError()));
  const llvm::json::Object* object = json->getAsObject();
  const llvm::json::Array* layers = object ? object->getArray("layers") : nullptr;
  if (!layers) return bad_input("has no list of layers");
  OutputOrders orders;
  for (const llvm::json::Value& layer : *layers)
    if (Status s = add_order(layer, orders); !s) return std::move(s).error();
  return orders;
}

}  // namespace

Result<OutputOrders> read_output_orders(const std::string& manifest) {
  const auto buffer = llvm::MemoryBuffer::getFile(manifest);
  if (!buffer) return system_error("cannot read {}: {}", manifest, buffer.getError().message());
  auto orders = orders_of((*buffer)->getBuffer());
  if (!orders) return std::move(orders).error().in(manifest);
  return orders;
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
