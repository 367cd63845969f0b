// Compiled kernels straight into this process, through ORC and JITLink.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "backends/mc/kernel_code.h"
#include "espalier/kernel_abi.h"
#include "ir/error.h"

namespace espalier {

/// Whether this process can run code for `target`. Errors (kUnsupported): another instruction set, or features that the
/// CPU lacks.
Status runs_here(const Target& target);

/// A set of kernels linked into this process. Kernels live as long as it does; they may be run from any thread.
class JitLibrary {
 public:
  /// Writes the kernels as one object, as write_object would for a file, and links it. Errors: those of write_object;
  /// kUnsupported when the target's instruction set, or a CPU feature the code uses, is not this machine's; kInternal
  /// when linking fails.
  static Result<std::unique_ptr<JitLibrary>> load(std::span<const KernelCode> kernels, const Target& target);
  /// Links objects (bytes of relocatable files for this machine) with each other; nothing else is visible to them.
  /// Errors: kUnsupported as above; kInternal when linking fails, as for symbols that none of them defines.
  static Result<std::unique_ptr<JitLibrary>> load_objects(std::span<const std::string> objects, const Target& target);
  ~JitLibrary();

  /// The descriptor of a kernel given to load(). Errors: kBadInput for another name.
  Result<const espalier_kernel*> kernel(std::string_view name);

  /// Where a symbol (by its C name) of the objects is. Errors: kBadInput for one that they do not export.
  Result<void*> address(std::string_view symbol);

 private:
  struct Session;
  explicit JitLibrary(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

}  // namespace espalier
