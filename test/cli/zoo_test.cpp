// zoo, and what comes of its networks: inspect, run, compile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "running_program.h"

namespace espalier::test {
namespace {

using testing::HasSubstr;

struct Zoo : testing::Test {
  Outcome espalier(const std::string& arguments) const { return espalier_in(folder, words(arguments)); }
  std::string network(const std::string& file) const {
    const Outcome done = espalier("inspect " + file + " --network");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return done.out;
  }
  TemporaryFolder folder;
};

TEST_F(Zoo, ListsItsModels) {
  const Outcome done = espalier("zoo");
  EXPECT_EQ(done.exit_code, 0) << done.err;
  for (const char* model : {"mobilenet_v1", "mobilenet_v2_cache_aware", "efficientnet_b0", "resnet50"})
    EXPECT_THAT(done.out, HasSubstr(model));
}

TEST_F(Zoo, SparseStoringChangesTheFileAndNothingElse) {
  const std::string model = "zoo mobilenet_v1 --width 0.25 --size 32 -o ";
  EXPECT_EQ(espalier(model + "dense.tflite").exit_code, 0);
  EXPECT_EQ(espalier(model + "sparse.tflite --store sparse").exit_code, 0);
  EXPECT_LT(folder.read("sparse.tflite").size(), folder.read("dense.tflite").size());
  EXPECT_EQ(network("sparse.tflite"), network("dense.tflite"));
}

TEST_F(Zoo, NetworksRunInStripsAndWhole) {
  EXPECT_EQ(espalier("zoo mobilenet_v2 --width 0.35 --size 64 -o v2.tflite").exit_code, 0);
  for (const char* strips : {"auto", "never", "always"}) {
    const Outcome done = espalier(std::string("run v2.tflite --compare --repeat 1 --strips ") + strips);
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  }
}

TEST_F(Zoo, RefusesWhatDoesNotGoTogether) {
  const struct {
    const char *arguments, *message;
  } rows[] = {
      {"zoo no_such_model", "no_such_model"},
      {"zoo mobilenet_v1 --size 32 -o v1.onnx --store sparse", "weights are stored sparsely in .tflite files only"},
      {"zoo mobilenet_v2 --weights missing.npz", "--weights is for mobilenet_v1, but the model is 'mobilenet_v2'"},
      {"zoo mobilenet_v1 --weights missing.npz", "missing.npz"},
      {"zoo mobilenet_v1 --weights missing.npz --width 0.5", "--width"},
      {"zoo mobilenet_v1 --store packed", "packed"},
      {"run v1.tflite --strips sometimes", "sometimes"},
  };
  for (const auto& row : rows) {
    const Outcome done = espalier(row.arguments);
    EXPECT_NE(done.exit_code, 0) << row.arguments;
    EXPECT_THAT(done.err, HasSubstr(row.message));
  }
}

}  // namespace
}  // namespace espalier::test
