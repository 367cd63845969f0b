#include "node_runner.h"

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

namespace espalier::test {
namespace {

struct CommandResult {
  int code;
  std::string output;
};

CommandResult run_command(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return {-1, "cannot start " + command};
  CommandResult result{0, {}};
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe)) result.output.append(buffer, n);
  const int status = pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

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
    if (run_command(fmt::format("{}{} '{}' --has {}", node, flags, script(), feature)).code == 0) return node + flags;
  return {};
}

std::string run_in_node(const std::string& node, const std::string& module, std::vector<NodeCall>& calls) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("m.wasm"), std::ios::binary) << module;
  std::string plan;
  for (size_t i = 0; i < calls.size(); ++i) {
    write_floats(folder.file(fmt::format("{}.x", i)), calls[i].x);
    write_floats(folder.file(fmt::format("{}.y", i)), calls[i].y);
    plan += fmt::format("{}{}", i ? "," : "", plan_of(calls[i], i));
  }
  std::ofstream(folder.file("plan.json")) << R"({"module":"m.wasm","calls":[)" << plan << "]}";
  const CommandResult result = run_command(fmt::format("{} '{}' '{}'", node, script(), folder.file("plan.json")));
  if (result.code != 0) return fmt::format("exit code {}: {}", result.code, result.output);
  for (size_t i = 0; i < calls.size(); ++i) read_floats(folder.file(fmt::format("{}.y", i)), calls[i].y);
  return {};
}

std::string run_script(const std::string& node, const std::string& name) {
  const CommandResult result = run_command(fmt::format("{} --test '{}'", node, script(name)));
  return result.code == 0 ? std::string() : fmt::format("exit code {}: {}", result.code, result.output);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "espalier-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}
TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

}  // namespace espalier::test
