#include "kernel_program_check.h"

#include "ir/kernel_program.h"

namespace espalier::test {
namespace {

constexpr uint64_t kMostElements = 1 << 16, kMostWork = 1 << 18;

uint64_t buffer_elements(uint32_t rows, uint32_t stride, uint32_t pixels) {
  return rows == 0 ? 0 : uint64_t{rows - 1} * stride + pixels;
}

void execute(const KernelProgram& program, uint32_t pixels) {
  const std::vector<float> x(buffer_elements(program.input_channels, program.input_stride, pixels), 1.5f);
  std::vector<float> y(buffer_elements(program.output_channels, program.output_stride, pixels));
  interpret(program, x, y, pixels);
}

bool is_small(const KernelProgram& p) {
  return buffer_elements(p.input_channels, p.input_stride, p.max_pixels()) <= kMostElements &&
         buffer_elements(p.output_channels, p.output_stride, p.max_pixels()) <= kMostElements &&
         (p.micro_ops() + p.chunks.size()) * p.max_pixels() <= kMostWork;
}

}  // namespace

TextVerdict check_program_text(std::string_view text) {
  TextVerdict verdict;
  const auto program = parse_kernel_program(text);
  if (!program) {
    if (!program.error().message.starts_with("line ")) verdict.problem = "an error without a line";
    return verdict;
  }
  verdict.parsed = true;
  const std::string printed = print(*program);
  const auto again = parse_kernel_program(printed);
  if (!again)
    verdict.problem = "printed text does not read back: " + again.error().message;
  else if (!(*again == *program))
    verdict.problem = "printed text reads back as another program";
  else if (print(*again) != printed)
    verdict.problem = "a second printing differs";
  const Status status = verify(*program);
  verdict.verified = static_cast<bool>(status);
  if (!status && status.error().kind != ErrorKind::kInternal) verdict.problem = "the verifier blames the user";
  if (!verdict.verified || !is_small(*program)) return verdict;
  verdict.executed = true;
  execute(*program, program->max_pixels());
  if (program->pixels == 0) execute(*program, 1);
  return verdict;
}

}  // namespace espalier::test
