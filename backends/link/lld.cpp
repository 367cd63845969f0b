#include "backends/link/lld.h"

#include <mutex>
#include <vector>

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)
LLD_HAS_DRIVER(wasm)

namespace espalier {
namespace {

constexpr const char* kProgram[] = {"ld.lld", "wasm-ld"};  // by Linker: which linker lld is to be

/// A directory of our own that is gone at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory() = default;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    if (!path_.empty()) llvm::sys::fs::remove_directories(path_);
  }
  Status create() {
    if (const std::error_code e = llvm::sys::fs::createUniqueDirectory("espalier", path_)) {
      path_.clear();
      return system_error("cannot make a temporary directory for the linker: {}", e.message());
    }
    return {};
  }
  std::string file(const std::string& name) const {
    llvm::SmallString<128> path(path_);
    llvm::sys::path::append(path, name);
    return std::string(path);
  }

 private:
  llvm::SmallString<128> path_;
};

Status write_file(const std::string& path, std::string_view bytes) {
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error) {
    file << llvm::StringRef(bytes);
    file.close();
    error = file.error();
    file.clear_error();
  }
  if (error) return system_error("{}: cannot write the linker's input: {}", path, error.message());
  return {};
}

Result<std::string> read_file(const std::string& path) {
  const auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) return system_error("{}: cannot read the linker's output: {}", path, buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

/// lld reports fatal errors by leaving the process, unless LLVM's crash recovery is on; it is, for the link's duration
/// only, because it installs signal handlers.
class CrashRecovery {
 public:
  CrashRecovery() { llvm::CrashRecoveryContext::Enable(); }
  ~CrashRecovery() { llvm::CrashRecoveryContext::Disable(); }
};

Status run(const std::vector<const char*>& arguments) {
  static std::mutex mutex;  // lld keeps its state in globals
  static bool usable = true;
  const std::lock_guard lock(mutex);
  if (!usable) return internal_error("lld cannot run again in this process after an earlier crash");
  std::string out, messages;
  llvm::raw_string_ostream out_stream(out), message_stream(messages);
  const CrashRecovery recovery;
  const lld::Result result =
      lld::lldMain(arguments, out_stream, message_stream, {{lld::Gnu, &lld::elf::link}, {lld::Wasm, &lld::wasm::link}});
  usable = result.canRunAgain;
  message_stream.flush();
  if (result.retCode == 0) return {};
  return internal_error("lld refused the object: {}", llvm::StringRef(messages).trim().str());
}

}  // namespace

Result<std::string> run_lld(Linker linker, std::span<const std::string> arguments, std::span<const LinkerFile> files,
                            const std::string& output_name) {
  TemporaryDirectory directory;
  if (Status s = directory.create(); !s) return std::move(s).error();
  std::vector<std::string> line{kProgram[static_cast<size_t>(linker)]};
  line.insert(line.end(), arguments.begin(), arguments.end());
  for (const LinkerFile& file : files) {
    const std::string path = directory.file(file.name);
    if (Status s = write_file(path, file.bytes); !s) return std::move(s).error();
    line.push_back(fmt::format("{}{}", file.option, path));
  }
  const std::string output = directory.file(output_name);
  line.insert(line.end(), {"-o", output});
  std::vector<const char*> pointers;
  for (const std::string& argument : line) pointers.push_back(argument.c_str());
  if (Status s = run(pointers); !s) return std::move(s).error();
  return read_file(output);
}

}  // namespace espalier
