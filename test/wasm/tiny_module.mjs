// A hand-made module in the shape of the compiler's, so that loader tests need no compiler: kernel `copy` stores the first
// `pixels` elements of x at y; copy.items does the same whatever items it is asked for.
const I32 = 0x7f;

function leb(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}
const text = (string) => [...new TextEncoder().encode(string)];
const name = (string) => [...leb(text(string).length), ...text(string)];
const list = (items) => [...leb(items.length), ...items.flat()];
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const type = (parameters) => [0x60, ...leb(parameters), ...Array(parameters).fill(I32), 0];

// memory.copy(y, x, pixels * 4)
const COPY = [0, 0x20, 1, 0x20, 0, 0x20, 2, 0x41, 2, 0x74, 0xfc, 10, 0, 0, 0x0b];
const HEAP_BASE = 1024;

export const KERNEL = {
  name: 'copy', output_channels: 1, input_channels: 1, nonzeros: 1, pixels: 0, max_pixels: 20, input_stride: 20,
  output_stride: 20, input_panel: 0, output_panel: 0, pixel_block: 8, pixel_multiple: 1, groups: 1,
};
export const DESCRIPTOR = { abi_version: 3, features: ['simd128'], kernels: [KERNEL] };

/** `descriptor`: an object, a string (the section's text), or null for none. */
export function tinyModule({ descriptor = DESCRIPTOR, exports = ['copy', 'copy.items', 'memory', '__heap_base'],
  maxPages, copies = 1 } = {}) {
  const kinds = { copy: [0, 0], 'copy.items': [0, 1], memory: [2, 0], __heap_base: [3, 0] };
  const body = typeof descriptor === 'string' ? descriptor : JSON.stringify(descriptor);
  const custom = descriptor === null ? [] : section(0, [...name('espalier'), ...text(body)]);
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list([type(3), type(5)])),
    ...section(3, list([[0], [1]])),
    ...section(5, list([maxPages ? [1, 1, maxPages] : [0, 1]])),
    ...section(6, list([[I32, 0, 0x41, ...leb(HEAP_BASE), 0x0b]])),
    ...section(7, list(exports.map((e) => [...name(e), ...kinds[e]]))),
    ...section(10, list([COPY, COPY].map((code) => [code.length, ...code]))),
    ...Array(copies).fill(custom).flat(),
  ]);
}
