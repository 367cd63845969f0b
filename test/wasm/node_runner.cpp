#include "node_runner.h"

#include <cstdlib>
#include <fstream>

#include "test/support/command.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {
namespace {

std::string script(const std::string& name = "run_module.mjs") {
  return fmt::format("{}/test/wasm/{}", ESPALIER_SOURCE_DIR, name);
}

void write_floats(const std::string& path, const std::vector<float>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
}
void read_floats(const std::string& path, std::vector<float>& values) {
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
}

std::string plan_of(const NodeCall& call, size_t i) {
  std::string items;
  for (const auto& [first, last] : call.items) items += fmt::format("{}[{},{}]", items.empty() ? "" : ",", first, last);
  return fmt::format(R"({{"kernel":"{}","pixels":{},"x":"{}.x","y":"{}.y","copy":{},"items":{}}})", call.kernel,
                     call.pixels, i, i, call.copy, items.empty() ? "null" : fmt::format("[{}]", items));
}

}  // namespace

std::optional<std::string> node_with(const std::string& feature) {
  const char* chosen = std::getenv("ESPALIER_NODE");
  const std::string node = chosen ? chosen : "node";
  for (const char* flags : {"", " --experimental-wasm-relaxed-simd"})
    if (run_command(fmt::format("{}{} '{}' --has {}", node, flags, script(), feature)).status == 0) return node + flags;
  return {};
}

std::string run_in_node(const std::string& node, const std::string& module, std::vector<NodeCall>& calls) {
  const TemporaryFolder folder;
  folder.write("m.wasm", module);
  std::string plan;
  for (size_t i = 0; i < calls.size(); ++i) {
    write_floats(folder.path(fmt::format("{}.x", i)), calls[i].x);
    write_floats(folder.path(fmt::format("{}.y", i)), calls[i].y);
    plan += fmt::format("{}{}", i ? "," : "", plan_of(calls[i], i));
  }
  folder.write("plan.json", R"({"module":"m.wasm","calls":[)" + plan + "]}");
  const CommandResult result = run_command(fmt::format("{} '{}' '{}'", node, script(), folder.path("plan.json")));
  if (result.status != 0) return fmt::format("exit code {}: {}", result.status, result.output);
  for (size_t i = 0; i < calls.size(); ++i) read_floats(folder.path(fmt::format("{}.y", i)), calls[i].y);
  return {};
}

std::string run_script(const std::string& node, const std::string& name) {
  const CommandResult result = run_command(fmt::format("{} --test '{}'", node, script(name)));
  return result.status == 0 ? std::string() : fmt::format("exit code {}: {}", result.status, result.output);
}

}  // namespace espalier::test
