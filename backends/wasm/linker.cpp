#include "backends/wasm/linker.h"

#include <array>
#include <mutex>

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(wasm)

namespace espalier::wasm {
namespace {

// The output's name stands in the module (name section), so it is always the same.
constexpr const char* kObjectName = "kernels.o";
constexpr const char* kModuleName = "kernels.wasm";

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
  std::string file(const char* name) const {
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

Status run_lld(const std::string& object, const std::string& module) {
  static std::mutex mutex;  // lld keeps its state in globals
  static bool usable = true;
  const std::lock_guard lock(mutex);
  if (!usable) return internal_error("lld cannot run again in this process after an earlier crash");
  const std::array arguments = {"wasm-ld",     "--no-entry",  "--export-dynamic", "--export=__heap_base",
                                "--threads=1", "-z",          "stack-size=0",     object.c_str(),
                                "-o",          module.c_str()};
  std::string out, messages;
  llvm::raw_string_ostream out_stream(out), message_stream(messages);
  const CrashRecovery recovery;
  const lld::Result result = lld::lldMain(arguments, out_stream, message_stream, {{lld::Wasm, &lld::wasm::link}});
  usable = result.canRunAgain;
  message_stream.flush();
  if (result.retCode == 0) return {};
  return internal_error("lld refused the object: {}", llvm::StringRef(messages).trim().str());
}

}  // namespace

Result<std::string> link_module(std::string_view object) {
  TemporaryDirectory directory;
  if (Status s = directory.create(); !s) return std::move(s).error();
  const std::string input = directory.file(kObjectName), output = directory.file(kModuleName);
  if (Status s = write_file(input, object); !s) return std::move(s).error();
  if (Status s = run_lld(input, output); !s) return std::move(s).error();
  return read_file(output);
}

}  // namespace espalier::wasm
