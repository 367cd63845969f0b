#include "test/loops/loop_runner.h"

#include <gtest/gtest.h>

#include <cstring>

#include "test/support/command.h"

namespace espalier::test {
namespace {

constexpr std::string_view kHeader = R"(#include <stddef.h>
#include <stdint.h>
typedef void loop_function(const float *, const float *, float *, const float *, const int32_t *, float *, size_t,
                           size_t);
struct loop_case {
  loop_function *run;
  uint64_t x0, x1, weights, y, scratch;
  size_t items;
  int in_place;
  const int32_t *table;
};
)";

uint64_t scratch_of(const LoopCase& c) { return c.program.elements[static_cast<size_t>(LoopBuffer::kScratch)]; }

std::string table_text(const LoopCase& c) { return fmt::format("{}", fmt::join(c.program.table, ", ")); }

std::string input_bytes(const std::vector<LoopCase>& cases) {
  std::string bytes;
  for (const LoopCase& c : cases)
    for (const std::vector<float>* values : {&c.x0, &c.x1, &c.weights, &c.y})
      bytes.append(reinterpret_cast<const char*>(values->data()), values->size() * sizeof(float));
  return bytes;
}

std::string case_rows(const std::vector<LoopCase>& cases) {
  std::string tables, rows;
  for (const LoopCase& c : cases) {
    tables += fmt::format("static const int32_t {}_table[] = {{{}}};\n", c.program.name, table_text(c));
    rows +=
        fmt::format("  {{{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {0}_table}},\n", c.program.name, c.x0.size(),
                    c.x1.size(), c.weights.size(), c.y.size(), scratch_of(c), c.program.items, int{c.program.in_place});
  }
  return fmt::format("{}static const struct loop_case loop_cases[] = {{\n{}}};\n", tables, rows);
}

std::string case_plan(const std::vector<LoopCase>& cases) {
  std::string plan;
  for (const LoopCase& c : cases)
    plan += fmt::format(
        R"({}{{"name":"{}","x0":{},"x1":{},"weights":{},"y":{},"scratch":{},"items":{},"in_place":{},"table":[{}]}})",
        plan.empty() ? "" : ",", c.program.name, c.x0.size(), c.x1.size(), c.weights.size(), c.y.size(), scratch_of(c),
        c.program.items, c.program.in_place, table_text(c));
  return "[" + plan + "]";
}

std::string run_or_explain(const std::string& command, const TemporaryFolder& folder) {
  const CommandResult result = run_command_in(folder, command);
  return result.status == 0 && result.output.empty()
             ? ""
             : fmt::format("{}\nexited with {}:\n{}", command, result.status, result.output);
}

std::string read_outputs(const std::vector<LoopCase>& cases, const TemporaryFolder& folder,
                         std::vector<std::vector<float>>& outputs) {
  const std::string bytes = folder.read("outputs.bin");
  size_t at = 0;
  for (const LoopCase& c : cases) {
    const size_t size = c.y.size() * sizeof(float);
    if (at + size > bytes.size()) return "outputs.bin is too short";
    std::memcpy(outputs.emplace_back(c.y.size()).data(), bytes.data() + at, size);
    at += size;
  }
  return at == bytes.size() ? "" : "outputs.bin is too long";
}

void expect_interpreted(const LoopCase& c, const std::vector<float>& found) {
  const std::vector<float> wanted = interpreted_output(c);
  const bool relaxed = c.program.target.vector->name == "relaxed";
  expect_same_values(c, found, relaxed && !same_values(found, wanted) ? interpreted_output(rounding_twice(c)) : wanted);
}

}  // namespace

std::vector<LoopCase> random_loop_cases(const Target& target, uint64_t first_seed, uint32_t count) {
  std::vector<LoopCase> cases;
  for (uint32_t i = 0; i < count; ++i)
    cases.push_back(random_loop_case(target, first_seed + i, fmt::format("loops_{}", first_seed + i)));
  return cases;
}

std::vector<LoopProgram> programs_of(const std::vector<LoopCase>& cases) {
  std::vector<LoopProgram> programs;
  for (const LoopCase& c : cases) programs.push_back(c.program);
  return programs;
}

void write_driver_files(const std::vector<LoopCase>& cases, const std::string& include, const TemporaryFolder& folder) {
  std::string text(kHeader);
  if (!include.empty()) text += fmt::format("#include \"{}\"\n", include);
  for (const LoopCase& c : cases)
    if (include.empty()) text += fmt::format("extern loop_function {};\n", c.program.name);
  folder.write("loop_cases.h", text + case_rows(cases));
  folder.write("inputs.bin", input_bytes(cases));
}

std::string run_driver(const std::string& compile, const std::string& emulator, const std::vector<LoopCase>& cases,
                       const TemporaryFolder& folder, std::vector<std::vector<float>>& outputs) {
  const std::string made =
      run_or_explain(fmt::format("{} -I. {}/test/loops/driver.c -o driver -lm", compile, ESPALIER_SOURCE_DIR), folder);
  if (!made.empty()) return made;
  const std::string ran = run_or_explain(fmt::format("{} ./driver inputs.bin outputs.bin", emulator), folder);
  return ran.empty() ? read_outputs(cases, folder, outputs) : ran;
}

std::string run_loops_in_node(const std::string& node, const std::string& module, const std::vector<LoopCase>& cases,
                              std::vector<std::vector<float>>& outputs) {
  const TemporaryFolder folder;
  folder.write("loops.wasm", module);
  folder.write("cases.json", case_plan(cases));
  folder.write("inputs.bin", input_bytes(cases));
  const std::string ran =
      run_or_explain(fmt::format("{} '{}/test/loops/run_loops.mjs' loops.wasm cases.json inputs.bin outputs.bin", node,
                                 ESPALIER_SOURCE_DIR),
                     folder);
  return ran.empty() ? read_outputs(cases, folder, outputs) : ran;
}

void expect_interpreted(const std::vector<LoopCase>& cases, const std::vector<std::vector<float>>& outputs) {
  ASSERT_EQ(cases.size(), outputs.size());
  for (size_t i = 0; i < cases.size(); ++i) ASSERT_NO_FATAL_FAILURE(expect_interpreted(cases[i], outputs[i]));
}

}  // namespace espalier::test
