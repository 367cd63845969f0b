#include "codegen/library/compile_library.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "backends/assemble.h"

namespace espalier {
namespace {

bool has_native_code(const Target& target) { return target.isa == Isa::kX86_64 || target.isa == Isa::kAArch64; }

/// Writes the dumps of one kernel: NAME.1.choose_schedule.txt, ...
class PassDumper {
 public:
  PassDumper(std::string directory, std::string kernel)
      : directory_(std::move(directory)), kernel_(std::move(kernel)) {}

  void write(std::string_view pass, double seconds, std::string_view text) {
    const std::string file = fmt::format("{}.{}.{}.txt", kernel_, ++passes_, pass);
    std::ofstream out(std::filesystem::path(directory_) / file, std::ios::binary);
    out << fmt::format("# {} took {:.3f} ms\n", pass, seconds * 1e3) << text;
    if (!out.flush()) failed_ = file;
  }
  Status status() const {
    if (failed_.empty()) return {};
    return system_error("cannot write {} in {}", failed_, directory_);
  }

 private:
  std::string directory_, kernel_, failed_;
  int passes_ = 0;
};

Status compile_one(CompiledKernel& kernel, const Target& target, const Schedule& schedule,
                   const LibraryOptions& options) {
  CompileOptions compile;
  compile.schedule = schedule;
  PassDumper dumper(options.dump_directory, kernel.input.spec.name);
  if (!options.dump_directory.empty()) {
    compile.dump = true;
    compile.observer = [&](std::string_view pass, double seconds, std::string_view text) {
      dumper.write(pass, seconds, text);
    };
  }
  const auto start = std::chrono::steady_clock::now();
  auto program = compile_kernel(kernel.input.spec, target, compile);
  if (!program) return std::move(program).error();
  kernel.program = std::make_unique<KernelProgram>(*std::move(program));
  kernel.code.program = kernel.program.get();
  if (has_native_code(target)) {
    auto code = assemble(*kernel.program);
    if (!code) return std::move(code).error();
    kernel.code = *std::move(code);
  }
  kernel.compile_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return dumper.status();
}

/// Hands out kernels to threads and keeps the first error by kernel order, so that messages do not depend on timing.
class LibraryCompiler {
 public:
  LibraryCompiler(std::vector<CompiledKernel>& kernels, const Target& target, const LibraryOptions& options,
                  std::vector<Schedule> schedules)
      : kernels_(kernels), target_(target), options_(options), schedules_(std::move(schedules)) {}

  Status run() {
    const size_t threads = std::min<size_t>(std::max(1u, options_.jobs), kernels_.size());
    std::vector<std::thread> others;
    for (size_t t = 1; t < threads; ++t) others.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : others) thread.join();
    if (first_error_) return std::move(*first_error_);
    return {};
  }

 private:
  void work() {
    for (size_t i = next_++; i < kernels_.size() && !stopped_; i = next_++) {
      Status status = compile_one(kernels_[i], target_, schedules_[i], options_);
      const std::lock_guard lock(mutex_);
      if (status && options_.progress && !options_.progress(kernels_[i])) status = system_error("interrupted");
      if (status || (first_error_ && failed_at_ < i)) continue;
      first_error_ = std::move(status).error();
      failed_at_ = i;
      stopped_ = true;
    }
  }

  std::vector<CompiledKernel>& kernels_;
  const Target& target_;
  const LibraryOptions& options_;
  std::vector<Schedule> schedules_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::optional<Error> first_error_;
  size_t failed_at_ = 0;
};

Status make_directory(const std::string& path) {
  if (path.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return system_error("cannot create {}: {}", path, error.message());
  return {};
}

}  // namespace

namespace {

/// What the caller has chosen, or what the budget allows. A specification that is wrong is left to compile_kernel, whose
/// errors name it.
Result<std::vector<Schedule>> choose_schedules(const std::vector<CompiledKernel>& kernels, const Target& target,
                                               const LibraryOptions& options) {
  if (!options.schedules.empty()) return options.schedules;
  std::vector<const KernelSpec*> specs;
  uint64_t nonzeros = 0;
  for (const CompiledKernel& k : kernels) {
    if (!validated(k.input.spec)) return std::vector<Schedule>(kernels.size(), options.schedule);
    specs.push_back(&k.input.spec);
    nonzeros += k.input.spec.matrix.nonzeros();
  }
  const auto chosen = schedules_within(specs, target, options.schedule, options.budget.bytes(nonzeros));
  if (!chosen) return chosen.error();
  std::vector<Schedule> schedules;
  for (const Candidate& c : *chosen) schedules.push_back(c.schedule);
  return schedules;
}

}  // namespace

uint64_t CompiledKernel::code_bytes() const {
  return code.code_bytes();
}

Result<std::vector<CompiledKernel>> compile_library(std::vector<LibraryKernel> inputs, const Target& target,
                                                    const LibraryOptions& options) {
  if (Status s = make_directory(options.dump_directory); !s) return std::move(s).error();
  std::vector<CompiledKernel> kernels(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) kernels[i].input = std::move(inputs[i]);
  auto schedules = choose_schedules(kernels, target, options);
  if (!schedules) return std::move(schedules).error();
  if (Status s = LibraryCompiler(kernels, target, options, *std::move(schedules)).run(); !s)
    return std::move(s).error();
  return kernels;
}

}  // namespace espalier
