#include "backends/c_source/manifest.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llvm/Support/JSON.h"
#include "test/support/random_program.h"
#include "test/support/spmm_program.h"

namespace espalier::test {
namespace {

using llvm::json::Object;
using llvm::json::Value;
using testing::HasSubstr;

bool has_type(const Value& value, llvm::StringRef type) {
  switch (value.kind()) {
    case Value::Null:
      return type == "null";
    case Value::Boolean:
      return type == "boolean";
    case Value::Number:
      return type == "number" || (type == "integer" && value.getAsInteger().has_value());
    case Value::String:
      return type == "string";
    case Value::Array:
      return type == "array";
    case Value::Object:
      return type == "object";
  }
  return false;
}

/// As much of JSON Schema as ours uses; the first rule broken, with its place, or empty.
class SchemaCheck {
 public:
  std::string check(const Value& value, const Object& schema, const std::string& place) {
    if (!allowed_type(value, schema)) return place + " has another type";
    if (const auto* values = schema.getArray("enum"); values && !llvm::is_contained(*values, value))
      return place + " has a value that is not listed";
    const auto minimum = schema.getNumber("minimum");
    if (minimum && value.getAsNumber() && *value.getAsNumber() < *minimum) return place + " is below the minimum";
    if (const Object* object = value.getAsObject()) return check_object(*object, schema, place);
    if (const auto* array = value.getAsArray())
      for (const Value& item : *array)
        if (std::string why = check(item, *schema.getObject("items"), place + "[]"); !why.empty()) return why;
    return "";
  }

 private:
  static bool allowed_type(const Value& value, const Object& schema) {
    if (const auto* types = schema.getArray("type"))
      return llvm::any_of(*types, [&](const Value& type) { return has_type(value, *type.getAsString()); });
    return has_type(value, *schema.getString("type"));
  }
  std::string check_object(const Object& object, const Object& schema, const std::string& place) {
    for (const Value& name : *schema.getArray("required"))
      if (!object.get(*name.getAsString())) return fmt::format("{} lacks {}", place, name.getAsString()->str());
    for (const auto& [name, value] : object) {
      const Object* property = schema.getObject("properties")->getObject(name);
      if (!property) return fmt::format("{} has the unknown {}", place, name.str());
      if (std::string why = check(value, *property, place + "." + name.str()); !why.empty()) return why;
    }
    return "";
  }
};

Value parsed(const std::string& text) {
  auto value = llvm::json::parse(text);
  EXPECT_TRUE(static_cast<bool>(value));
  return value ? std::move(*value) : Value(nullptr);
}

std::string why_invalid(const Value& manifest) {
  const Value schema = parsed(manifest_schema()->contents);
  return SchemaCheck().check(manifest, *schema.getAsObject(), "manifest");
}

class Manifest : public testing::Test {
 protected:
  Manifest() {
    input_.library = "net";
    input_.target = fixed_.target;
    input_.banner = {"0.1.0", "net.npz", "sha256:12", "espalier compile net.npz"};
    input_.files = {{"kernel.c", "abc"}};
    input_.layers = {{&fixed_, "net.npz: conv1", "fits the cache", {0, 6}, true, 1234, {"kernel.c"}},
                     {&run_time_, "net.npz: conv2", "", {}, false, {}, {}}};
  }
  std::string text() const { return write_manifest(input_)->contents; }

  KernelProgram fixed_ =
      spmm_program({.target = "x86_64-linux", .cpu = "avx2", .pixels = 49, .input_stride = 52, .output_stride = 51}, 1);
  KernelProgram run_time_ = spmm_program({.target = "x86_64-linux", .cpu = "avx2"}, 2);
  ManifestInput input_;
};

TEST_F(Manifest, FollowsItsSchema) { EXPECT_EQ(why_invalid(parsed(text())), ""); }

TEST_F(Manifest, WithoutLayersFollowsItsSchema) {
  input_.files.clear();
  input_.layers.clear();
  EXPECT_EQ(why_invalid(parsed(text())), "");
}

TEST_F(Manifest, SchemaNoticesWhatIsMissingUnknownOrOfAnotherType) {
  Value manifest = parsed(text());
  Object& layer = *manifest.getAsObject()->getArray("layers")->front().getAsObject();
  layer["pixels"] = "49";
  EXPECT_EQ(why_invalid(manifest), "manifest.layers[].pixels has another type");
  layer["pixels"] = 0;
  EXPECT_EQ(why_invalid(manifest), "manifest.layers[].pixels is below the minimum");
  layer["pixels"] = 49;
  layer["form"] = "magic";
  EXPECT_EQ(why_invalid(manifest), "manifest.layers[].form has a value that is not listed");
  layer.erase("form");
  EXPECT_EQ(why_invalid(manifest), "manifest.layers[] lacks form");
  layer["form"] = "unrolled";
  layer["date"] = "today";
  EXPECT_EQ(why_invalid(manifest), "manifest.layers[] has the unknown date");
}

TEST_F(Manifest, SaysInWhichOrderRowsComeAndWhatTheyShare) {
  fixed_.output_order = {6, 5, 4, 3, 2, 1, 0};
  fixed_.schedule = *parse_schedule("loop+dense:least=60");
  input_.layers[0].sharing_before = 1.25;
  input_.layers[0].sharing_after = 4.0 / 3;
  const Value value = parsed(text());
  EXPECT_EQ(why_invalid(value), "");
  const Object& layer = *value.getAsObject()->getArray("layers")->front().getAsObject();
  EXPECT_EQ(*layer.getArray("output_order"), (llvm::json::Array{6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(layer.getString("form"), "mixed");
  EXPECT_EQ(layer.getNumber("nonzeros_per_input_load"), 1.333);
  EXPECT_EQ(layer.getNumber("nonzeros_per_input_load_unclustered"), 1.25);
}

TEST_F(Manifest, SaysWhatWasEmitted) {
  const Value value = parsed(text());
  const Object& manifest = *value.getAsObject();
  EXPECT_EQ(manifest.getInteger("abi_version"), 3);
  EXPECT_EQ(manifest.getObject("generator")->getString("command_line"), "espalier compile net.npz");
  EXPECT_EQ(manifest.getObject("input")->getString("hash"), "sha256:12");
  EXPECT_EQ(manifest.getObject("target")->getString("name"), "x86_64-linux");
  EXPECT_EQ(*manifest.getObject("target")->getArray("cpu_features"), (llvm::json::Array{"avx2", "fma"}));
  const Object& file = *manifest.getArray("files")->front().getAsObject();
  EXPECT_EQ(file.getInteger("bytes"), 3);
  EXPECT_EQ(file.getString("hash"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(Manifest, SaysWhatEveryLayerIs) {
  const Value value = parsed(text());
  const Object& layer = *value.getAsObject()->getArray("layers")->front().getAsObject();
  EXPECT_EQ(layer.getString("symbol"), "kernel");
  EXPECT_EQ(layer.getInteger("output_channels"), 7);
  EXPECT_EQ(layer.getInteger("nonzeros"), static_cast<int64_t>(fixed_.nonzeros));
  EXPECT_EQ(layer.getInteger("pixels"), 49);
  EXPECT_EQ(layer.getInteger("code_bytes"), 1234);
  EXPECT_EQ(layer.getInteger("weight_bytes"), static_cast<int64_t>(fixed_.stream.size() * 4));
  // 49 pixels in blocks of 24 are 3 blocks; 7 rows in groups of 4 are 2.
  EXPECT_EQ(layer.getInteger("work_items"), 6);
  EXPECT_EQ(layer.getInteger("chunks"), 4);
  EXPECT_EQ(layer.getNumber("clamp_high"), 6.0);
  EXPECT_EQ(layer.getString("form"), "unrolled");
  EXPECT_EQ(layer.get("output_order")->kind(), Value::Null);
  EXPECT_EQ(layer.getString("schedule"), "unrolled:rows=3,vectors=2,k=5,chunk=100,pixels=24,prefetch=1");
}

TEST_F(Manifest, HasNullForWhatIsNotFixed) {
  const Value value = parsed(text());
  const Object& layer = *value.getAsObject()->getArray("layers")->back().getAsObject();
  for (const char* key : {"pixels", "clamp_low", "clamp_high", "code_bytes"})
    EXPECT_EQ(layer.get(key)->kind(), Value::Null) << key;
}

TEST_F(Manifest, IsAFunctionOfItsInput) { EXPECT_EQ(text(), text()); }

TEST_F(Manifest, KeepsItsOrderOfKeys) {
  const std::string json = text();
  EXPECT_THAT(json,
              testing::StartsWith("{\n  \"manifest_version\": 1,\n  \"abi_version\": 3,\n  \"library\": \"net\",\n"));
  EXPECT_LT(json.find("\"symbol\""), json.find("\"source\""));
  EXPECT_THAT(json, testing::EndsWith("}\n"));
}

TEST_F(Manifest, ReplacesBytesThatAreNotUtf8) {
  input_.banner.input = "a\xff.npz";
  EXPECT_THAT(text(), HasSubstr("\"a\xef\xbf\xbd.npz\""));
  EXPECT_EQ(why_invalid(parsed(text())), "");
}

}  // namespace
}  // namespace espalier::test
