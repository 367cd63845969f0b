#include "ir/import/tflite_network.h"

#include "ir/import/tflite_graph_import.h"

namespace espalier {

Result<Network> parse_tflite_network(std::string_view file_name, Bytes bytes) {
  const Result<TfliteModel> model = parse_tflite(bytes);
  if (!model) return Error(model.error()).in(file_name);
  if (model->graphs.empty()) return bad_input("{}: has no subgraph, but needs 1", file_name);
  // Further subgraphs are bodies of control flow, which is refused where the first one uses it.
  Result<Network> network = TfliteGraphImport(*model, model->graphs[0], bytes.size()).run();
  // Damage that some accessor met explains everything that follows from it.
  if (!model->file->status()) return Error(model->file->status().error()).in(file_name);
  if (!network) return std::move(network).error().in(file_name);
  network->name = printable(std::filesystem::path(file_name).stem().string());
  return network;
}

}  // namespace espalier
