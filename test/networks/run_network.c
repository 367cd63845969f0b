/* Runs the network NETWORK once: reads all of its inputs from the file argv[1] (raw fp32, one after the other), writes
 * its outputs to argv[2]. Memory comes from the caller, as on a machine without a heap. */
#include <stdio.h>
#include <stdlib.h>

#define ESPALIER_NO_HEAP
#include NETWORK_HEADER

static float* floats(size_t count) {
  float* values = malloc((count ? count : 1) * sizeof(float));
  if (!values) exit(3);
  return values;
}

int main(int argc, char** argv) {
  const float* inputs[16];
  float* outputs[16];
  FILE* file = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!file || NETWORK.input_count > 16 || NETWORK.output_count > 16) return 2;
  for (uint32_t i = 0; i < NETWORK.input_count; ++i) {
    const size_t count = espalier_value_elements(&NETWORK.inputs[i]);
    float* values = floats(count);
    if (fread(values, sizeof(float), count, file) != count) return 4;
    inputs[i] = values;
  }
  fclose(file);
  for (uint32_t i = 0; i < NETWORK.output_count; ++i) outputs[i] = floats(espalier_value_elements(&NETWORK.outputs[i]));
  void* memory = malloc(espalier_context_bytes(&NETWORK, 1));
  if (!memory) return 3;
  espalier_context context = espalier_context_in(&NETWORK, 1, memory);
  espalier_context_run(&context, inputs, outputs);
  file = fopen(argv[2], "wb");
  if (!file) return 5;
  for (uint32_t i = 0; i < NETWORK.output_count; ++i) {
    const size_t count = espalier_value_elements(&NETWORK.outputs[i]);
    if (fwrite(outputs[i], sizeof(float), count, file) != count) return 6;
  }
  return fclose(file) ? 7 : 0;
}
