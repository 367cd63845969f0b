// Objects put together: one object, a static library, a shared library.
#include "backends/link/link_objects.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "backends/jit/jit_library.h"
#include "backends/loops/loop_object.h"
#include "backends/wasm/linker.h"
#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "llvm/Object/ObjectFile.h"
#include "test/loops/loop_runner.h"
#include "test/support/command.h"
#include "test/support/random_spec.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

using testing::HasSubstr;

struct Parts {
  std::vector<LoopCase> cases;
  std::vector<std::string> objects;  ///< one per case
};

Parts parts(const Target& target) {
  Parts p{random_loop_cases(target, 70, 3), {}};
  for (const LoopCase& c : p.cases) {
    auto object = write_loop_object({&c.program, 1}, target);
    EXPECT_TRUE(object) << object.error().message;
    p.objects.push_back(*std::move(object));
  }
  return p;
}

/// Names of the functions that other objects see.
std::vector<std::string> visible(const std::string& object) {
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "object"));
  EXPECT_TRUE(static_cast<bool>(file));
  std::vector<std::string> names;
  for (const auto& symbol : (*file)->symbols())
    if (*symbol.getFlags() & llvm::object::SymbolRef::SF_Global) names.push_back(symbol.getName()->str());
  return names;
}

bool native() { return host_cpu_features() != 0 && find_target("host")->isa == Isa::kX86_64 && have_program("cc"); }

TEST(LinkObjects, ARelocatableObjectShowsItsExportsOnly) {
  for (const char* name : {"x86_64-linux", "aarch64-linux"}) {
    const Parts p = parts(*find_target(name));
    const std::string exports[] = {p.cases[1].program.name};
    const auto linked = link_relocatable(p.objects, exports);
    ASSERT_TRUE(linked) << linked.error().message;
    EXPECT_THAT(visible(*linked), testing::ElementsAre(exports[0]));
    EXPECT_EQ(*linked, *link_relocatable(p.objects, exports)) << "deterministic";
    const auto nothing = link_relocatable(p.objects, {});
    ASSERT_TRUE(nothing) << nothing.error().message;
    EXPECT_THAT(visible(*nothing), testing::IsEmpty());
  }
}

TEST(LinkObjects, ARelocatableObjectRuns) {
  if (!native()) GTEST_SKIP() << "needs an x86-64 host and a compiler";
  const Parts p = parts(*find_target("host"));
  std::vector<std::string> names;
  for (const LoopCase& c : p.cases) names.push_back(c.program.name);
  const auto linked = link_relocatable(p.objects, names);
  ASSERT_TRUE(linked) << linked.error().message;
  const TemporaryFolder folder;
  folder.write("linked.o", *linked);
  write_driver_files(p.cases, "", folder);
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(run_driver("cc linked.o", "", p.cases, folder, outputs), "");
  expect_interpreted(p.cases, outputs);
}

TEST(LinkObjects, AStaticLibraryServesTheSystemsLinker) {
  if (!native()) GTEST_SKIP() << "needs an x86-64 host and a compiler";
  const Parts p = parts(*find_target("host"));
  std::vector<ArchiveMember> members;
  for (const LoopCase& c : p.cases) members.push_back({c.program.name + ".o", p.objects[members.size()]});
  const auto archive = make_archive(members, ObjectFormat::kElf);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ(*archive, *make_archive(members, ObjectFormat::kElf)) << "deterministic";
  const TemporaryFolder folder;
  folder.write("libloops.a", *archive);
  write_driver_files(p.cases, "", folder);
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(run_driver("cc -Wl,--whole-archive libloops.a -Wl,--no-whole-archive", "", p.cases, folder, outputs), "");
  expect_interpreted(p.cases, outputs);
}

TEST(LinkObjects, AStaticLibraryForMacOsHasASymbolTable) {
  const Parts p = parts(*find_target("aarch64-macos"));
  const ArchiveMember members[] = {{"a.o", p.objects[0]}, {"b.o", p.objects[1]}};
  const auto archive = make_archive(members, ObjectFormat::kMachO);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_THAT(*archive, HasSubstr("__.SYMDEF"));
  EXPECT_THAT(*archive, HasSubstr("_" + p.cases[1].program.name));
  EXPECT_EQ(make_archive(members, ObjectFormat::kWasm).error().message,
            "static libraries are made of ELF and Mach-O objects only");
}

TEST(LinkObjects, ASharedLibraryShowsItsExportsOnly) {
  if (!native()) GTEST_SKIP() << "needs an x86-64 host and a compiler";
  const Parts p = parts(*find_target("host"));
  const std::string exports[] = {p.cases[2].program.name};
  const auto library = link_shared(p.objects, exports, "libloops.so");
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_EQ(*library, *link_shared(p.objects, exports, "libloops.so")) << "deterministic";
  const TemporaryFolder folder;
  void* handle = dlopen(folder.write("libloops.so", *library).c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr) << dlerror();
  EXPECT_NE(dlsym(handle, exports[0].c_str()), nullptr);
  EXPECT_EQ(dlsym(handle, p.cases[0].program.name.c_str()), nullptr);
  dlclose(handle);
}

TEST(LinkObjects, HiddenFunctionsAreNotShown) {
  const Target target = *find_target("host");
  if (!native()) GTEST_SKIP() << "needs an x86-64 host";
  const LoopCase c = random_loop_case(target, 3, "layer");
  const std::string object = *write_loop_object({&c.program, 1}, target, LoopVisibility::kHidden);
  const auto library = JitLibrary::load_objects({&object, 1}, target);
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_FALSE((*library)->address("layer"));
}

TEST(LinkObjects, AModuleHasKernelsAndLoops) {
  const auto node = node_with("simd128");
  if (!node) GTEST_SKIP() << "no node with simd128";
  const Target target = *find_target("wasm32");
  SeededRandom random(1);
  const auto kernel = compile_kernel(random_spec(random), target, {});
  ASSERT_TRUE(kernel) << kernel.error().message;
  const Parts p = parts(target);
  std::vector<std::string> objects{*write_wasm_object({&*kernel, 1})};
  objects.insert(objects.end(), p.objects.begin(), p.objects.end());
  const auto module = wasm::link_module(objects);
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_THAT(*module, HasSubstr("kernel.items"));
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(run_loops_in_node(*node, *module, p.cases, outputs), "");
  expect_interpreted(p.cases, outputs);
}

TEST(LinkObjects, ThreadsCompileAtOnce) {
  const char* names[] = {"x86_64-linux", "aarch64-linux", "wasm32", "x86_64-linux"};
  std::vector<std::vector<std::string>> found(std::size(names)), wanted;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < std::size(names); ++t)
    threads.emplace_back([&, t] { found[t] = parts(*find_target(names[t])).objects; });
  for (std::thread& thread : threads) thread.join();
  for (const char* name : names) wanted.push_back(parts(*find_target(name)).objects);
  EXPECT_EQ(found, wanted);
}

TEST(LinkObjects, WhatLldRefusesIsAnError) {
  const std::string objects[] = {"not an object"};
  for (const auto& result : {link_relocatable(objects, {}), link_shared(objects, {}, "x.so")}) {
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("lld refused the object: "));
  }
}

TEST(JitLibraryObjects, SayWhichSymbolIsNotThere) {
  if (!native()) GTEST_SKIP() << "needs an x86-64 host";
  const Parts p = parts(*find_target("host"));
  auto library = JitLibrary::load_objects(p.objects, *find_target("host"));
  ASSERT_TRUE(library) << library.error().message;
  for (const LoopCase& c : p.cases) EXPECT_TRUE((*library)->address(c.program.name));
  EXPECT_THAT((*library)->address("nobody").error().message, HasSubstr("there is no symbol nobody: "));
  const auto foreign = JitLibrary::load_objects(p.objects, *find_target("aarch64-linux"));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace espalier::test
