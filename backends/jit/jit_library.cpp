#include "backends/jit/jit_library.h"

#include <array>

#include "backends/mc/object_writer.h"
#include "espalier/runtime.h"
#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/ExecutorProcessControl.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/MemoryBuffer.h"

namespace espalier {
namespace orc = llvm::orc;

/// Only the linking layer of ORC: there is no LLVM IR to compile.
struct JitLibrary::Session {
  explicit Session(std::unique_ptr<orc::ExecutorProcessControl> control)
      : session(std::move(control)), layer(session), library(session.createBareJITDylib("kernels")) {}
  ~Session() {
    if (auto error = session.endSession()) llvm::consumeError(std::move(error));
  }

  orc::ExecutionSession session;
  orc::ObjectLinkingLayer layer;
  orc::JITDylib& library;
};

namespace {

Error from_llvm(llvm::Error error) { return internal_error("cannot link: {}", llvm::toString(std::move(error))); }

}  // namespace

Status runs_here(const Target& target) {
#if defined(__x86_64__)
  constexpr Isa kHostIsa = Isa::kX86_64;
#elif defined(__aarch64__)
  constexpr Isa kHostIsa = Isa::kAArch64;
#else
  constexpr Isa kHostIsa = Isa::kC99;
#endif
  if (target.isa != kHostIsa) return unsupported("target {} is not this machine's, so it cannot run here", target.name);
  espalier_kernel kernel{};
  kernel.abi_version = ESPALIER_ABI_VERSION;
  kernel.struct_bytes = sizeof kernel;
  kernel.name = "code";
  kernel.cpu_features = target.vector->features;
  std::array<char, 160> message{};
  if (espalier_kernel_check(&kernel, espalier_host_cpu_features(), message.data(), message.size()) != ESPALIER_OK)
    return unsupported("target {} with CPU {}: {}", target.name, target.cpu->name, message.data());
  return {};
}

JitLibrary::JitLibrary(std::unique_ptr<Session> session) : session_(std::move(session)) {}
JitLibrary::~JitLibrary() = default;

Result<std::unique_ptr<JitLibrary>> JitLibrary::load(std::span<const KernelCode> kernels, const Target& target) {
  if (Status s = runs_here(target); !s) return std::move(s).error();
  const Result<std::string> object = write_object(kernels, target);
  if (!object) return object.error();
  auto library = load_objects({&*object, 1}, target);
  if (!library) return library;
  for (const KernelCode& kernel : kernels)
    if (auto found = (*library)->kernel(kernel.program->name); !found) return std::move(found).error();
  return library;
}

Result<std::unique_ptr<JitLibrary>> JitLibrary::load_objects(std::span<const std::string> objects,
                                                             const Target& target) {
  if (Status s = runs_here(target); !s) return std::move(s).error();
  auto control = orc::SelfExecutorProcessControl::Create();
  if (!control) return from_llvm(control.takeError());
  auto session = std::make_unique<Session>(std::move(*control));
  for (size_t i = 0; i < objects.size(); ++i) {
    // The bytes outlive the link, which is over when the symbols have been looked up.
    auto buffer = llvm::MemoryBuffer::getMemBufferCopy(objects[i], fmt::format("objects{}.o", i));
    if (auto error = session->layer.add(session->library, std::move(buffer))) return from_llvm(std::move(error));
  }
  return std::unique_ptr<JitLibrary>(new JitLibrary(std::move(session)));
}

Result<void*> JitLibrary::address(std::string_view symbol) {
#if defined(__APPLE__)
  const std::string mangled = fmt::format("_{}", symbol);
#else
  const std::string mangled(symbol);
#endif
  auto found = session_->session.lookup({&session_->library}, session_->session.intern(mangled));
  if (!found) return bad_input("there is no symbol {}: {}", symbol, llvm::toString(found.takeError()));
  return found->getAddress().toPtr<void*>();
}

Result<const espalier_kernel*> JitLibrary::kernel(std::string_view name) {
  const auto found = address(name);
  if (!found) return bad_input("there is no kernel named {}", name);
  return static_cast<const espalier_kernel*>(*found);
}

}  // namespace espalier
