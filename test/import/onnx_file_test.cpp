// ONNX files as protobuf writes them: where a constant's elements may stand, and what may be wrong with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#if defined(ESPALIER_HAS_ONNX)
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "ir/import/network_file.h"
#include "ir/import/onnx_model.h"
#include "npy_zip_files.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {
namespace {

using Floats = std::vector<float>;
using Proto = onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::StartsWith;

Proto tensor(const std::string& name, Proto::DataType type, const std::vector<int64_t>& dims) {
  Proto t;
  t.set_name(name);
  t.set_data_type(type);
  for (const int64_t size : dims) t.add_dims(size);
  return t;
}

Proto integers(const std::vector<int64_t>& dims, const std::vector<int64_t>& values) {
  Proto t = tensor("indices", Proto::INT64, dims);
  for (const int64_t value : values) t.add_int64_data(value);
  return t;
}

/// y = x + w, of 2 x 3 elements; the tests say where w is.
struct AddModel {
  onnx::ModelProto model;

  AddModel() {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(13);
    onnx::GraphProto& graph = *model.mutable_graph();
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type("Add");
    node.set_name("sum");
    for (const char* input : {"x", "w"}) node.add_input(input);
    node.add_output("y");
    auto& type = *graph.add_input()->mutable_type()->mutable_tensor_type();
    graph.mutable_input(0)->set_name("x");
    type.set_elem_type(Proto::FLOAT);
    for (const int size : {2, 3}) type.mutable_shape()->add_dim()->set_dim_value(size);
    graph.add_output()->set_name("y");
  }
  explicit AddModel(const Proto& w) : AddModel() { *model.mutable_graph()->add_initializer() = w; }

  AddModel& attribute(const std::string& name, int64_t value) {
    auto& a = *model.mutable_graph()->mutable_node(0)->add_attribute();
    a.set_name(name);
    a.set_i(value);
    return *this;
  }

  Result<OnnxModel> read(const std::filesystem::path& folder = {}) const {
    const std::string bytes = model.SerializeAsString();
    return parse_onnx_model(as_byte_span(bytes), folder);
  }
  Result<OnnxTensor> w(const std::filesystem::path& folder = {}) const {
    const auto made = read(folder);
    if (!made) return made.error();
    return made->initializers.at("w");
  }
  std::string refusal(const std::filesystem::path& folder = {}) const {
    const auto made = read(folder);
    return made ? "" : made.error().message;
  }
};

void expect_w(const Result<OnnxTensor>& w, const std::vector<int64_t>& dims, const Floats& values) {
  ASSERT_TRUE(w) << w.error().message;
  EXPECT_EQ(w->dims, dims);
  EXPECT_EQ(w->floats, values);
}

// Sparse

AddModel sparse_model(const Floats& values, const Proto& indices) {
  AddModel m;
  onnx::SparseTensorProto& w = *m.model.mutable_graph()->add_sparse_initializer();
  *w.mutable_values() = tensor("w", Proto::FLOAT, {static_cast<int64_t>(values.size())});
  for (const float value : values) w.mutable_values()->add_float_data(value);
  *w.mutable_indices() = indices;
  for (const int64_t size : {2, 3}) w.add_dims(size);
  return m;
}

TEST(OnnxFile, SparseInitializersTakePlacesInRowMajorOrder) {
  expect_w(sparse_model({5, 6, 7}, integers({3}, {0, 2, 4})).w(), {2, 3}, {5, 0, 6, 0, 7, 0});
}

TEST(OnnxFile, SparseInitializersTakeARowOfCoordinatesForEachValue) {
  expect_w(sparse_model({5, 6, 7}, integers({3, 2}, {0, 1, 1, 0, 1, 2})).w(), {2, 3}, {0, 5, 0, 6, 0, 7});
}

TEST(OnnxFile, SparseInitializersMayBeEmpty) { expect_w(sparse_model({}, integers({0}, {})).w(), {2, 3}, Floats(6)); }

TEST(OnnxFile, SparseInitializersAreWeightsOfTheNetwork) {
  const std::string bytes = sparse_model({5, 7}, integers({2}, {1, 5})).model.SerializeAsString();
  const auto network = parse_network("m.onnx", as_byte_span(bytes));
  ASSERT_TRUE(network) << network.error().message;
  const auto w = std::ranges::find_if(network->tensors, [](const Tensor& t) { return t.is_constant(); });
  ASSERT_NE(w, network->tensors.end());
  EXPECT_THAT(w->data, ElementsAre(0, 5, 0, 0, 0, 7));
}

TEST(OnnxFile, RefusesSparseInitializersThatDoNotFit) {
  const std::string place = "sparse initializer 'w': ";
  EXPECT_EQ(sparse_model({5, 6}, integers({3}, {0, 1, 2})).refusal(),
            place + "has 2 values and 3 indices, but needs 1 for each value");
  EXPECT_EQ(sparse_model({5, 6}, integers({2, 1}, {0, 1})).refusal(),
            place + "has 2 values and 2 indices, but needs 2 for each value");
  EXPECT_EQ(sparse_model({5, 6, 7}, integers({2, 3}, {0, 1, 1, 0, 1, 2})).refusal(),
            place + "has indices of shape (2, 3), but a row for each value has 2");
  EXPECT_EQ(sparse_model({5}, integers({1}, {6})).refusal(), place + "has index 6, but 6 elements");
  EXPECT_EQ(sparse_model({5}, integers({1, 2}, {1, 3})).refusal(), place + "has index 3, but dimension 1 has 3");
  EXPECT_THAT(sparse_model({5}, integers({1}, {-1})).refusal(), StartsWith(place + "has index -1"));
}

TEST(OnnxFile, ASparseInitializerMayNotAskForMoreThanAFileOfItsSize) {
  AddModel m = sparse_model({5}, integers({1}, {0}));
  auto& w = *m.model.mutable_graph()->mutable_sparse_initializer(0);
  w.set_dims(0, 1 << 14);
  w.set_dims(1, 1 << 14);
  EXPECT_THAT(m.refusal(), StartsWith("sparse initializer 'w': asks for 268435456 elements, but a file of this size"));
}

// fp16

constexpr uint16_t kHalves[] = {0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000};
const Floats kHalfValues = {1, -2, 0.333251953125f, 5.9604644775390625e-8f, 65504, -0.0f};

TEST(OnnxFile, HalvesMayBeRaw) {
  Proto w = tensor("w", Proto::FLOAT16, {2, 3});
  w.set_raw_data(kHalves, sizeof kHalves);
  expect_w(AddModel(w).w(), {2, 3}, kHalfValues);
}

TEST(OnnxFile, HalvesMayBeBitsOfWholeNumbers) {
  Proto w = tensor("w", Proto::FLOAT16, {2, 3});
  for (const uint16_t half : kHalves) w.add_int32_data(half);
  expect_w(AddModel(w).w(), {2, 3}, kHalfValues);
}

TEST(OnnxFile, RefusesHalvesOfTheWrongNumber) {
  Proto odd = tensor("w", Proto::FLOAT16, {2, 3}), few = odd, none = odd;
  odd.set_raw_data(std::string(11, 0));
  few.set_raw_data(std::string(10, 0));
  none.add_int32_data(0);
  EXPECT_EQ(AddModel(odd).refusal(), "initializer 'w': has 11 bytes of data, but elements of 2 bytes");
  EXPECT_EQ(AddModel(few).refusal(), "initializer 'w': has 5 elements, but its shape (2, 3) needs 6");
  EXPECT_EQ(AddModel(none).refusal(), "initializer 'w': has 1 elements, but its shape (2, 3) needs 6");
}

TEST(OnnxFile, HalvesThatAreNoHalvesAreRefused) {
  Proto w = tensor("w", Proto::FLOAT16, {1});
  w.add_int32_data(0x10000);
  EXPECT_EQ(AddModel(w).refusal(), "initializer 'w': has 65536 as the bits of an fp16 number, but they are 0 to 65535");
}

// External data

struct External {
  TemporaryFolder folder;
  Proto w = tensor("w", Proto::FLOAT, {2, 3});

  External() {
    folder.write("weights.bin", "head" + raw<float>({1, 2, 3, 4, 5, 6}) + "tail");
    w.set_data_location(Proto::EXTERNAL);
  }
  External& with(const std::string& key, const std::string& value) {
    auto& entry = *w.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
    return *this;
  }
  std::string refusal() const { return AddModel(w).refusal(folder.path()); }
};

TEST(OnnxFile, ExternalDataIsReadFromTheModelsFolder) {
  External e;
  e.with("location", "weights.bin").with("offset", "4").with("length", "24");
  expect_w(AddModel(e.w).w(e.folder.path()), {2, 3}, {1, 2, 3, 4, 5, 6});
}

TEST(OnnxFile, ExternalDataWithoutOffsetAndLengthIsTheWholeFile) {
  External e;
  e.folder.write("inner/plain.bin", raw<float>({6, 5, 4, 3, 2, 1}));
  e.with("location", "inner/plain.bin");
  expect_w(AddModel(e.w).w(e.folder.path()), {2, 3}, {6, 5, 4, 3, 2, 1});
}

/// Through the whole reader, which takes the folder from the model's name.
TEST(OnnxFile, ExternalDataLiesBesideTheModel) {
  External e;
  e.with("location", "weights.bin").with("offset", "4").with("length", "24");
  const auto network = read_network(e.folder.write("m.onnx", AddModel(e.w).model.SerializeAsString()));
  ASSERT_TRUE(network) << network.error().message;
  const auto w = std::ranges::find_if(network->tensors, [](const Tensor& t) { return t.is_constant(); });
  ASSERT_NE(w, network->tensors.end());
  EXPECT_THAT(w->data, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(OnnxFile, RefusesExternalDataThatIsNotThere) {
  EXPECT_EQ(External().with("location", "missing.bin").refusal(),
            "initializer 'w': cannot open external data 'missing.bin': No such file or directory");
  EXPECT_EQ(External().with("location", ".").refusal(),
            "initializer 'w': has external data in '.', but it must be a file in the model's folder");
}

TEST(OnnxFile, RefusesExternalDataOutsideOfTheFolder) {
  External e;
  e.folder.write("outside.bin", std::string(24, 0));
  e.folder.write("inner/m.onnx", "");
  e.with("location", "../outside.bin");
  EXPECT_EQ(AddModel(e.w).refusal(e.folder.path() / "inner"),
            "initializer 'w': has external data in '../outside.bin', but it must be a file in the model's folder");
}

TEST(OnnxFile, RefusesExternalDataBeyondTheFile) {
  const auto refusal = [](const char* offset, const char* length) {
    return External().with("location", "weights.bin").with("offset", offset).with("length", length).refusal();
  };
  const std::string place = "initializer 'w': has external data ";
  EXPECT_EQ(refusal("33", "0"), place + "from byte 33 on, 0 bytes long, but 'weights.bin' has 32 bytes");
  EXPECT_EQ(refusal("9", "24"), place + "from byte 9 on, 24 bytes long, but 'weights.bin' has 32 bytes");
  EXPECT_EQ(refusal("8", "18446744073709551615"),
            place + "from byte 8 on, 18446744073709551615 bytes long, but 'weights.bin' has 32 bytes");
  EXPECT_EQ(refusal("-4", "24"), place + "with offset '-4', which is no number");
  EXPECT_EQ(refusal("4", "24 "), place + "with length '24 ', which is no number");
  EXPECT_EQ(refusal("4", "20"), "initializer 'w': has 5 elements, but its shape (2, 3) needs 6");
  EXPECT_EQ(External().with("location", "weights.bin").with("offset", "40").refusal(),
            place + "from byte 40 on, 0 bytes long, but 'weights.bin' has 32 bytes");
}

// Attributes

TEST(OnnxFile, RefusesAnAttributeThatIsThereTwice) {
  EXPECT_EQ(AddModel().attribute("axis", 1).attribute("axis", 2).refusal(), "node 0 'sum': has attribute 'axis' twice");
}

TEST(OnnxFile, AttributesThatAreNotReadAreRefusedByName) {
  Proto w = tensor("w", Proto::FLOAT, {1});
  w.add_float_data(1);
  const std::string bytes = AddModel(w).attribute("axis", 1).model.SerializeAsString();
  const auto network = parse_network("m.onnx", as_byte_span(bytes));
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().message,
            "m.onnx: node 0 'sum' (Add): has attribute 'axis', which is not read; known are none");
}

}  // namespace
}  // namespace espalier::test

#else
TEST(OnnxFile, IsReadAsProtobufWritesIt) { GTEST_SKIP() << "built without ONNX"; }
#endif
