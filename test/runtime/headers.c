/* Compiled as C99 with all warnings as errors; linked, so that the inline functions are used too. */
#include "espalier/kernel_abi.h"
#include "espalier/network_abi.h"
#include "espalier/threads.h"
#include "espalier/runtime.h"

/* The layout that emitted code writes down: a change here is a new ESPALIER_ABI_VERSION. */
#define SAME(name, a, b) typedef char name[(a) == (b) ? 1 : -1]
SAME(name_at, offsetof(espalier_kernel, name), 8);
SAME(features_at, offsetof(espalier_kernel, cpu_features), 16);
SAME(nonzeros_at, offsetof(espalier_kernel, nonzeros), 24);
SAME(channels_at, offsetof(espalier_kernel, output_channels), 32);
SAME(strides_at, offsetof(espalier_kernel, input_stride), 40);
SAME(panels_at, offsetof(espalier_kernel, input_panel), 48);
SAME(pixels_at, offsetof(espalier_kernel, pixels), 56);
SAME(block_at, offsetof(espalier_kernel, pixel_block), 64);
SAME(multiple_at, offsetof(espalier_kernel, pixel_multiple), 68);
SAME(groups_at, offsetof(espalier_kernel, group_count), 72);
SAME(tile_at, offsetof(espalier_kernel, pixel_tile), 80);
SAME(pointers_at, offsetof(espalier_kernel, groups), 88);
SAME(group_bytes, sizeof(espalier_row_group), 16);
#if UINTPTR_MAX > 0xffffffffu
SAME(weights_at, offsetof(espalier_kernel, weights), 104);
SAME(count_at, offsetof(espalier_kernel, weights_count), 112);
SAME(indices_at, offsetof(espalier_kernel, indices), 120);
SAME(order_at, offsetof(espalier_kernel, output_order), 136);
SAME(kernel_bytes, sizeof(espalier_kernel), 144);
SAME(chunk_bytes, sizeof(espalier_chunk), 24);
#endif

size_t items_in_c99(const espalier_kernel* kernel, size_t pixels);
size_t items_in_c99(const espalier_kernel* kernel, size_t pixels) { return espalier_kernel_items(kernel, pixels); }
