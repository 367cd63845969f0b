#include "backends/wasm/call_sequence.h"

#include "backends/wasm/chunk_locals.h"
#include "backends/wasm/wasm_module.h"

namespace espalier::wasm {
namespace {

constexpr uint32_t kRunParameters = 3, kItemsParameters = 5;
// Locals of NAME.items: its parameters, then its variables. NAME has the first three.
enum Local : uint32_t { kInput, kOutput, kCallPixels, kItem, kLastItem, kPixel, kCount, kBlockX, kBlockY };
constexpr uint32_t kVariables = 4;
constexpr uint32_t kElementBytes = 4;

// Bytes of one call with its arguments, and of one step of the search for the row group, at most: relocated numbers
// always take five.
constexpr uint64_t kCallBytes = 3 * 2 + 6 + 6 + 6, kStepBytes = 2 + 6 + 1 + 2 + 1 + 1, kAroundBytes = 256;

class CallSequence {
 public:
  CallSequence(const KernelProgram& program, CodeWriter& code, ObjectFile& object)
      : p_(program),
        items_symbol_(program.name + ".items"),
        block_(static_cast<int32_t>(program.pixel_block)),
        groups_(static_cast<int32_t>(program.groups.size())),
        code_(code),
        object_(object) {}

  /// NAME.items(x, y, padded, 0, (padded / block + (padded % block != 0)) * groups)
  void write_run() {
    object_.begin_function(p_.name, kRunParameters);
    code_.clear();
    code_.declare_locals(0, 0);
    pad_pixels();
    for (const Local argument : {kInput, kOutput, kCallPixels}) code_.write(Instruction::kGetI32, argument);
    code_.write_constant(0);
    binary(Instruction::kDivUI32, kCallPixels, block_);
    binary(Instruction::kRemUI32, kCallPixels, block_);
    code_.write_constant(0);
    code_.write(Instruction::kNeI32);
    code_.write(Instruction::kAddI32);
    code_.write_constant(groups_);
    code_.write(Instruction::kMulI32);
    flush();
    object_.append_call(items_symbol_, kItemsParameters);
    end_function();
  }

  /// if (item < last) do { run the item; } while (++item < last);
  void write_items() {
    object_.begin_function(items_symbol_, kItemsParameters);
    code_.clear();
    code_.declare_locals(kVariables, 0);
    pad_pixels();
    if (groups_ != 0) write_loop();
    end_function();
  }

 private:
  /// pixels = (pixels + multiple - 1) / multiple * multiple
  void pad_pixels() {
    if (p_.pixel_multiple == 1) return;
    binary(Instruction::kAddI32, kCallPixels, static_cast<int32_t>(p_.pixel_multiple - 1));
    scale(Instruction::kDivUI32, p_.pixel_multiple);
    scale(Instruction::kMulI32, p_.pixel_multiple);
    code_.write(Instruction::kSetI32, kCallPixels);
  }

  void write_loop() {
    code_.write(Instruction::kGetI32, kItem);
    code_.write(Instruction::kGetI32, kLastItem);
    code_.write(Instruction::kLtUI32);
    code_.write(Instruction::kIf);
    code_.write(Instruction::kLoop);
    locate_block();
    binary(Instruction::kRemUI32, kItem, groups_);
    code_.write(Instruction::kSetI32, kPixel);  // from here on: the row group
    dispatch(0, p_.groups.size());
    binary(Instruction::kAddI32, kItem, 1);
    code_.write(Instruction::kTeeI32, kItem);
    code_.write(Instruction::kGetI32, kLastItem);
    code_.write(Instruction::kLtUI32);
    code_.write(Instruction::kRepeatIf);
    code_.write(Instruction::kEnd);
    code_.write(Instruction::kEnd);
  }

  /// pixel = item / groups * block; count = min(pixels - pixel, block); block_x = x + its place; block_y likewise
  void locate_block() {
    binary(Instruction::kDivUI32, kItem, groups_);
    code_.write_constant(block_);
    code_.write(Instruction::kMulI32);
    code_.write(Instruction::kSetI32, kPixel);
    code_.write(Instruction::kGetI32, kCallPixels);
    code_.write(Instruction::kGetI32, kPixel);
    code_.write(Instruction::kSubI32);
    code_.write(Instruction::kTeeI32, kCount);
    code_.write_constant(block_);
    code_.write(Instruction::kGetI32, kCount);
    code_.write_constant(block_);
    code_.write(Instruction::kLtUI32);
    code_.write(Instruction::kSelectI32);
    code_.write(Instruction::kSetI32, kCount);
    point(kInput, kBlockX, p_.input_panel, p_.input_channels);
    point(kOutput, kBlockY, p_.output_panel, p_.output_channels);
  }
  void point(Local base, Local block, uint32_t panel, uint32_t channels) {
    code_.write(Instruction::kGetI32, base);
    push_place(panel, channels);
    scale(Instruction::kMulI32, kElementBytes);
    code_.write(Instruction::kAddI32);
    code_.write(Instruction::kSetI32, block);
  }
  /// KernelProgram::input_place, output_place: pixel, pixel * channels, or pixel / panel * panel * channels +
  /// pixel % panel where blocks are parts of panels.
  void push_place(uint32_t panel, uint32_t channels) {
    code_.write(Instruction::kGetI32, kPixel);
    if (panel == 0) return;
    if (p_.pixel_block % panel == 0) return scale(Instruction::kMulI32, channels);
    scale(Instruction::kDivUI32, panel);
    scale(Instruction::kMulI32, panel * channels);
    binary(Instruction::kRemUI32, kPixel, static_cast<int32_t>(panel));
    code_.write(Instruction::kAddI32);
  }
  void scale(Instruction instruction, uint32_t constant) {
    code_.write_constant(static_cast<int32_t>(constant));
    code_.write(instruction);
  }
  void binary(Instruction instruction, Local local, int32_t constant) {
    code_.write(Instruction::kGetI32, local);
    code_.write_constant(constant);
    code_.write(instruction);
  }

  /// Runs the one of groups [first, last) whose number is in kPixel: a binary search in code.
  void dispatch(size_t first, size_t last) {
    if (last - first == 1) return call_chunks(p_.groups[first]);
    const size_t middle = first + (last - first) / 2;
    binary(Instruction::kLtUI32, kPixel, static_cast<int32_t>(middle));
    code_.write(Instruction::kIf);
    dispatch(first, middle);
    code_.write(Instruction::kElse);
    dispatch(middle, last);
    code_.write(Instruction::kEnd);
  }
  void call_chunks(const RowGroup& group) {
    for (size_t c = group.first_chunk; c < size_t{group.first_chunk} + group.chunks; ++c) {
      code_.write(Instruction::kGetI32, kBlockX);
      code_.write(Instruction::kGetI32, kBlockY);
      push_weights(p_.chunks[c].stream_offset);
      code_.write(Instruction::kGetI32, kCount);
      push_indices(p_.chunks[c].index_offset);
      flush();
      object_.append_call(chunk_symbol(p_, c), kChunkParameters);
    }
  }
  void push_weights(uint64_t offset) {
    if (p_.stream.empty()) return code_.write_constant(0);  // nothing reads it
    flush();
    object_.append_address(weights_symbol(p_), offset * kElementBytes);
  }
  void push_indices(uint64_t offset) {
    if (p_.indices.empty()) return code_.write_constant(0);
    flush();
    object_.append_address(indices_symbol(p_), offset * p_.index_bytes);
  }

  void flush() {
    object_.append_code(code_.code());
    code_.clear();
  }
  void end_function() {
    code_.write(Instruction::kEndFunction);
    flush();
  }

  const KernelProgram& p_;
  std::string items_symbol_;
  int32_t block_, groups_;
  CodeWriter& code_;
  ObjectFile& object_;
};

}  // namespace

std::string chunk_symbol(const KernelProgram& program, size_t chunk) {
  return fmt::format("{}.chunk.{}", program.name, chunk);
}
std::string weights_symbol(const KernelProgram& program) { return program.name + ".weights"; }
std::string indices_symbol(const KernelProgram& program) { return program.name + ".indices"; }

Status write_call_sequence(const KernelProgram& program, CodeWriter& code, ObjectFile& object) {
  const uint64_t bytes = program.chunks.size() * kCallBytes + program.groups.size() * kStepBytes + kAroundBytes;
  if (bytes > kMaxWasmFunctionBytes)
    return limit_exceeded("calling {} chunks takes up to {} bytes of code, but a WebAssembly function may have {}",
                          program.chunks.size(), bytes, kMaxWasmFunctionBytes);
  CallSequence sequence(program, code, object);
  sequence.write_items();
  sequence.write_run();
  return {};
}

}  // namespace espalier::wasm
