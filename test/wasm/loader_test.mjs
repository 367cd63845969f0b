// The npm package: what it loads, how it runs kernels, and the message of every failure.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ABI_VERSION, EspalierError, load, pack, unpack } from '../../runtime/js/index.js';
import { DESCRIPTOR, KERNEL, tinyModule } from './tiny_module.mjs';

const MODULE = tinyModule();
const X = Float32Array.from({ length: 20 }, (_, i) => i + 0.5);

async function refuses(promise, code, message) {
  const error = await Promise.resolve().then(() => (typeof promise === 'function' ? promise() : promise)).then(
    () => assert.fail('no error'), (e) => e);
  assert.ok(error instanceof EspalierError, String(error.stack));
  assert.equal(error.code, code, error.message);
  if (message instanceof RegExp) assert.match(error.message, message);
  else assert.equal(error.message, message);
}

let folder;
let server;
let address;
const ANSWERS = {
  '/good.wasm': [200, 'application/wasm', MODULE],
  '/plain.wasm': [200, 'text/plain', MODULE],
  '/index.wasm': [200, 'text/html; charset=utf-8', '\n<!DOCTYPE html><html></html>'],
  '/empty.wasm': [200, 'application/wasm', ''],
};
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-loader-'));
  server = createServer((request, response) => {
    const [status, type, body] = ANSWERS[request.url] ?? [404, 'text/html', '<html>not here</html>'];
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

async function fileWith(name, bytes) {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

test('loads from bytes, a buffer, a view into a buffer, and a compiled module', async () => {
  const shifted = new Uint8Array(MODULE.length + 3);
  shifted.set(MODULE, 3);
  const sources = [MODULE, MODULE.buffer, shifted.subarray(3), new DataView(shifted.buffer, 3), await WebAssembly.compile(MODULE)];
  for (const source of sources) assert.deepEqual((await load(source)).kernelNames, ['copy']);
});

test('loads from a path and a file URL', async () => {
  const path = await fileWith('good.wasm', MODULE);
  assert.equal((await load(path)).where, path);
  assert.deepEqual((await load(pathToFileURL(path))).kernelNames, ['copy']);
  assert.deepEqual((await load(String(pathToFileURL(path)))).kernelNames, ['copy']);
});

test('loads from a URL, a response and a promise of one, whatever the MIME type', async () => {
  for (const file of ['good.wasm', 'plain.wasm']) {
    const url = `${address}/${file}`;
    for (const source of [url, new URL(url), await fetch(url), fetch(url)]) {
      assert.deepEqual((await load(source)).kernelNames, ['copy']);
    }
  }
});

test('says what a kernel is', async () => {
  const library = await load(MODULE);
  const kernel = library.kernel('copy');
  assert.deepEqual({ ...kernel }, {
    name: 'copy', outputChannels: 1, inputChannels: 1, nonzeros: 1, pixels: 0, maxPixels: 20, inputStride: 20,
    outputStride: 20, inputPanel: 0, outputPanel: 0, pixelBlock: 8, pixelMultiple: 1, groups: 1, outputOrder: null,
  });
  assert.deepEqual(library.features, ['simd128']);
  assert.equal(kernel.inputLength(7), 7);
  assert.equal(kernel.items(17), 3);
  assert.equal(kernel.items(0), 0);
});

test('run copies in and out, and leaves the rest of a given output alone', async () => {
  const kernel = (await load(MODULE)).kernel('copy');
  assert.deepEqual(kernel.run(X, { pixels: 3 }), X.slice(0, 3));
  const output = new Float32Array(20).fill(-1);
  assert.equal(kernel.run(X, { pixels: 2, output }), output);
  assert.deepEqual([...output.subarray(0, 4)], [0.5, 1.5, -1, -1]);
});

test('lengths follow the strides: the last row needs only its pixels', async () => {
  const shape = { ...KERNEL, output_channels: 3, input_channels: 2, output_stride: 30 };
  const kernel = (await load(tinyModule({ descriptor: { ...DESCRIPTOR, kernels: [shape] } }))).kernel('copy');
  assert.equal(kernel.inputLength(5), 25);
  assert.equal(kernel.outputLength(5), 65);
  const empty = { ...shape, output_channels: 0 };
  const none = (await load(tinyModule({ descriptor: { ...DESCRIPTOR, kernels: [empty] } }))).kernel('copy');
  assert.equal(none.outputLength(5), 0);
});

async function kernelOf(shape) {
  const kernels = [{ ...KERNEL, ...shape }];
  return (await load(tinyModule({ descriptor: { ...DESCRIPTOR, kernels } }))).kernel('copy');
}

test('says in which order rows come, and puts them back', async () => {
  const shape = { output_channels: 3, output_stride: 3, max_pixels: 3, output_order: [2, 0, 1] };
  const image = await kernelOf(shape);
  assert.deepEqual(image.outputOrder, [2, 0, 1]);
  const y = Float32Array.of(21, 22, 0, 1, 2, 0, 11, 12);
  assert.deepEqual([...image.toNaturalOrder(y, { pixels: 2 })], [1, 2, 0, 11, 12, 0, 21, 22]);
  const output = new Float32Array(8).fill(-1);
  assert.equal(image.toNaturalOrder(y, { pixels: 2, output }), output);
  assert.deepEqual([...output], [1, 2, -1, 11, 12, -1, 21, 22]);
  const panels = await kernelOf({ ...shape, output_panel: 2, output_stride: 2 });
  const inPanels = Float32Array.of(21, 22, 1, 2, 11, 12, 23, 0, 3, 0, 13, 0);
  assert.deepEqual([...panels.toNaturalOrder(inPanels, { pixels: 3 })], [1, 2, 11, 12, 21, 22, 3, 0, 13, 0, 23, 0]);
  const natural = await kernelOf({ ...shape, output_order: undefined });
  assert.deepEqual([...natural.toNaturalOrder(y, { pixels: 2 })], [...y]);
  await refuses(() => image.toNaturalOrder(y, { pixels: 2, output: y }), 'bad-argument',
    'kernel copy needs another array for the natural order than for y');
  await refuses(() => image.toNaturalOrder(y, { pixels: 3 }), 'bad-argument', 'kernel copy needs 9 elements of y, but got 8');
});

test('lengths of panels count whole ones; work items count padded pixels', async () => {
  const kernel = await kernelOf({ output_channels: 3, input_channels: 2, input_panel: 8, input_stride: 8, output_panel: 4,
    output_stride: 4, pixel_block: 8, pixel_multiple: 4, groups: 2 });
  assert.equal(kernel.inputLength(8), 16);
  assert.equal(kernel.inputLength(9), 32);
  assert.equal(kernel.outputLength(9), 36);
  assert.equal(kernel.inputLength(0), 0);
  assert.deepEqual([7, 8, 9, 17].map((pixels) => kernel.items(pixels)), [2, 2, 4, 6]);
  const rounded = await kernelOf({ input_panel: 8, output_panel: 8, pixel_block: 2, pixel_multiple: 8 });
  assert.equal(rounded.items(9), 8); // 16 pixels, 2 at a time
});

test('run leaves the padding of the last panel alone', async () => {
  const shape = { output_channels: 3, input_channels: 3, input_panel: 4, input_stride: 4, output_panel: 4,
    output_stride: 4, pixels: 20, max_pixels: 20 };
  const x = Float32Array.from({ length: 60 }, (_, i) => i + 0.5);
  const whole = await kernelOf(shape);
  assert.deepEqual([...whole.run(x).subarray(0, 20)], [...X]); // the tiny module copies 20 elements
  const kernel = await kernelOf({ ...shape, pixels: 6, max_pixels: 6 });
  const output = kernel.run(x.subarray(0, 24), { output: new Float32Array(24).fill(-1) });
  assert.deepEqual([...output.subarray(0, 6)], [...X.subarray(0, 6)]);
  const padding = [14, 15, 18, 19, 22, 23]; // channels of 2 pixels in the second panel
  assert.deepEqual(padding.map((i) => output[i]), Array(6).fill(-1));
  const fresh = kernel.run(x.subarray(0, 24));
  assert.deepEqual(padding.map((i) => fresh[i]), Array(6).fill(0));
});

test('pack and unpack copy between an image with a stride and panels', () => {
  const shape = { channels: 2, pixels: 5, panel: 4, stride: 6 };
  const image = Float32Array.from([1, 2, 3, 4, 5, -1, 6, 7, 8, 9, 10]);
  const panels = [1, 2, 3, 4, 6, 7, 8, 9, 5, 0, 0, 0, 10, 0, 0, 0];
  assert.deepEqual([...pack(image, shape)], panels);
  const output = new Float32Array(20).fill(-2);
  assert.equal(pack(image, { ...shape, output }), output);
  assert.deepEqual([...output], [...panels, -2, -2, -2, -2]);
  assert.deepEqual([...unpack(output, shape)], [1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10]);
  assert.deepEqual([...unpack(output, { ...shape, output: new Float32Array(12).fill(-3) })],
    [1, 2, 3, 4, 5, -3, 6, 7, 8, 9, 10, -3]);
  assert.deepEqual([...unpack(output, { ...shape, stride: undefined })], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(pack(new Float32Array(0), { channels: 0, pixels: 5, panel: 4 }).length, 0);
  assert.equal(pack(new Float32Array(0), { channels: 2, pixels: 0, panel: 4 }).length, 0);
});

test('pack and unpack refuse shapes and arrays that do not fit', async () => {
  const shape = { channels: 2, pixels: 5, panel: 4 };
  const ten = new Float32Array(10);
  const bad = (call, message) => refuses(call, 'bad-argument', `panels: ${message}`);
  await bad(() => pack(ten), 'channels is undefined, but has to be a whole number from 0 on');
  await bad(() => pack(ten, { ...shape, panel: 0 }), 'panel is 0, but has to be a whole number from 1 on');
  await bad(() => unpack(ten, { ...shape, pixels: 1.5 }), 'pixels is 1.5, but has to be a whole number from 0 on');
  await bad(() => pack(ten, { ...shape, stride: 4 }), 'stride is 4, but rows have 5 pixels');
  await bad(() => pack([1], shape), 'needs a Float32Array for the image');
  await bad(() => pack(ten, { ...shape, stride: 6 }), 'needs 11 elements of the image, but got 10');
  await bad(() => pack(ten, { ...shape, output: ten }), 'needs 16 elements of the panels, but got 10');
  await bad(() => unpack(ten, shape), 'needs 16 elements of the panels, but got 10');
  await bad(() => unpack(new Float32Array(16), { ...shape, output: [] }), 'needs a Float32Array for the image');
});

test('run works on views of the module\'s own memory while that grows', async () => {
  const library = await load(MODULE);
  const x = library.allocate(20);
  x.view.set(X);
  const filler = library.allocate((library.memory.buffer.byteLength - x.address - 256) / 4);
  assert.deepEqual(library.kernel('copy').run(x.view, { pixels: 20 }), X);
  library.free(filler);
});

test('arrays in memory run without a copy and survive growth', async () => {
  const library = await load(MODULE);
  const [x, y] = [library.allocate(20), library.allocate(20)];
  assert.equal(x.address % 64, 0);
  const before = x.view;
  before.set(X);
  library.allocate(1 << 20);
  assert.equal(before.length, 0); // detached
  library.kernel('copy').runInPlace(x, y, { pixels: 20 });
  assert.deepEqual(y.view, X);
  y.view.fill(0);
  library.kernel('copy').runItems(x, y, 0, 3, { pixels: 20 });
  assert.deepEqual(y.view, X);
});

test('freed memory is used again, and neighbours merge', async () => {
  const library = await load(MODULE);
  const arrays = Array.from({ length: 4 }, () => library.allocate(16));
  const [a, b, c] = arrays;
  library.free(a);
  library.free(c);
  library.free(b);
  assert.equal(library.allocate(48).address, a.address);
  const size = library.memory.buffer.byteLength;
  for (let i = 0; i < 1000; ++i) library.free(library.allocate(1000));
  assert.equal(library.memory.buffer.byteLength, size);
});

test('refuses sources that are none', async () => {
  await refuses(load(42), 'bad-source',
    'cannot load from a value of type Number; give a path, a URL, a Response, bytes or a WebAssembly.Module');
  await refuses(load(), 'bad-source', /^cannot load from undefined; /);
  const used = await fetch(`${address}/good.wasm`);
  await used.arrayBuffer();
  await refuses(load(used), 'bad-source', `${address}/good.wasm: the response's body has already been read`);
});

test('explains wrong paths', async () => {
  await refuses(load('nowhere/k.wasm'), 'not-found', `nowhere/k.wasm: no such file (looked at ${process.cwd()}/nowhere/k.wasm)`);
  await refuses(load(folder), 'not-found', `${folder}: is a directory (looked at ${folder})`);
});

test('explains what servers answer', async () => {
  await refuses(load(`${address}/missing.wasm`), 'not-found', `${address}/missing.wasm: the server answered 404 Not Found`);
  await refuses(load(`${address}/index.wasm`), 'not-wasm', `${address}/index.wasm: is an HTML page (sent as text/html; `
    + 'charset=utf-8), not WebAssembly; servers send their index or error page for addresses they do not know');
  await refuses(load(`${address}/empty.wasm`), 'not-wasm', `${address}/empty.wasm: is empty (sent as application/wasm)`);
  await refuses(load('http://127.0.0.1:1/k.wasm'), 'not-found', /^http:\/\/127\.0\.0\.1:1\/k\.wasm: cannot be fetched \(.*\); wrong address/);
});

test('explains bytes that are not WebAssembly', async () => {
  await refuses(load(new Uint8Array([0x7f, 0x45, 0x4c, 0x46])), 'not-wasm',
    'bytes: begins with 7f 45 4c 46, but WebAssembly begins with 00 61 73 6d');
  const pointer = await fileWith('lfs.wasm', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n');
  await refuses(load(pointer), 'not-wasm', `${pointer}: is a Git LFS pointer, not the file itself; run git lfs pull`);
});

test('explains modules that are cut short', async () => {
  await refuses(load(MODULE.subarray(0, 100)), 'refused', /^bytes: the engine refuses it: .*; the file may be cut short or damaged$/);
});

test('refuses modules without a description, and damaged ones', async () => {
  const because = 'not made by espalier compile --emit wasm, or stripped by another tool';
  await refuses(load(tinyModule({ descriptor: null })), 'no-descriptor', `bytes: has 0 sections 'espalier', but needs one: ${because}`);
  await refuses(load(tinyModule({ copies: 2 })), 'no-descriptor', `bytes: has 2 sections 'espalier', but needs one: ${because}`);
  const damaged = (descriptor, what) =>
    refuses(load(tinyModule({ descriptor })), 'bad-descriptor', `bytes: its section 'espalier' ${what}`);
  await damaged('{"abi', 'is not a JSON object');
  await damaged('null', 'is not a JSON object');
  await damaged({ abi_version: 3, kernels: [] }, 'has no list of features');
  await damaged({ abi_version: 3, features: [3], kernels: [] }, 'has no list of features');
  await damaged({ abi_version: 3, features: [] }, 'has no list of kernels');
  await damaged({ abi_version: 3, features: [], kernels: [null] }, 'has a kernel without a name');
  await damaged({ ...DESCRIPTOR, kernels: [{ ...KERNEL, groups: -1 }] }, 'has -1 for groups of kernel copy, but needs a count');
  await damaged({ ...DESCRIPTOR, kernels: [{ ...KERNEL, input_panel: undefined }] },
    'has undefined for input_panel of kernel copy, but needs a count');
  for (const output_order of [[1], [0, 0], 'one', [0.5], null]) {
    await damaged({ ...DESCRIPTOR, kernels: [{ ...KERNEL, output_order }] },
      'has an output_order of kernel copy that does not name each of 1 channels once');
  }
  await refuses(load(tinyModule({ exports: ['copy', 'memory', '__heap_base'] })), 'bad-descriptor',
    'bytes: does not export copy.items, which its description implies');
});

test('refuses other ABI versions', async () => {
  await refuses(load(tinyModule({ descriptor: { ...DESCRIPTOR, abi_version: ABI_VERSION + 1 } })), 'abi-mismatch',
    'bytes: was made for ABI version 4, but this espalier package has version 3; install the package of the compiler\'s version');
});

test('refuses features that the engine lacks or nobody knows', async () => {
  const { validate } = WebAssembly;
  WebAssembly.validate = () => false;
  try {
    await refuses(load(MODULE), 'no-feature', 'bytes: needs WebAssembly simd128, which this engine does not have '
      + '(fixed-width SIMD: Chrome 91, Firefox 89, Safari 16.4, Node 16.4 and newer)');
  } finally {
    WebAssembly.validate = validate;
  }
  await refuses(load(tinyModule({ descriptor: { ...DESCRIPTOR, features: ['wide-simd'] } })), 'no-feature',
    'bytes: needs WebAssembly wide-simd, which this engine does not have (a feature that this version of the espalier package does not know)');
});

test('names the missing feature also when the engine refuses the bytes because of it', async () => {
  const { compile } = WebAssembly;
  WebAssembly.compile = () => Promise.reject(new WebAssembly.CompileError('invalid opcode 0xfd105'));
  try {
    await refuses(load(tinyModule({ descriptor: { ...DESCRIPTOR, features: ['wide-simd'] } })), 'no-feature', /needs WebAssembly wide-simd/);
    await refuses(load(MODULE), 'refused', 'bytes: the engine refuses it: invalid opcode 0xfd105; the file may be cut short or damaged');
  } finally {
    WebAssembly.compile = compile;
  }
});

test('explains a Content-Security-Policy, and an engine without WebAssembly', async () => {
  const { compile } = WebAssembly;
  WebAssembly.compile = () => Promise.reject(new WebAssembly.CompileError('violates the following Content Security policy directive'));
  try {
    await refuses(load(MODULE), 'refused', 'bytes: the page\'s Content-Security-Policy forbids WebAssembly; '
      + 'allow \'wasm-unsafe-eval\' in script-src');
  } finally {
    WebAssembly.compile = compile;
  }
  const engine = globalThis.WebAssembly;
  delete globalThis.WebAssembly;
  try {
    await refuses(load('k.wasm'), 'no-webassembly', 'k.wasm: this engine has no WebAssembly, or a policy disables it');
  } finally {
    globalThis.WebAssembly = engine;
  }
});

test('refuses kernels that are not there', async () => {
  const library = await load(MODULE);
  await refuses(() => library.kernel('conv'), 'no-kernel', 'bytes: has no kernel \'conv\'; it has copy');
});

test('refuses wrong arguments', async () => {
  const library = await load(MODULE);
  const kernel = library.kernel('copy');
  const bad = (call, message) => refuses(call, 'bad-argument', message);
  await bad(() => kernel.run(X), 'kernel copy takes 0..20 pixels, but was called with undefined');
  await bad(() => kernel.run(X, { pixels: 21 }), 'kernel copy takes 0..20 pixels, but was called with 21');
  await bad(() => kernel.run(X, { pixels: 1.5 }), 'kernel copy takes 0..20 pixels, but was called with 1.5');
  await bad(() => kernel.run([1], { pixels: 1 }), 'kernel copy needs a Float32Array for x');
  await bad(() => kernel.run(X.subarray(1), { pixels: 20 }), 'kernel copy needs 20 elements of x, but got 19');
  await bad(() => kernel.run(X, { pixels: 2, output: X.slice(0, 1) }), 'kernel copy needs 2 elements of output, but got 1');
  const [x, y] = [library.allocate(20), library.allocate(19)];
  await bad(() => kernel.runInPlace(X, y, { pixels: 2 }), 'kernel copy needs an array of library.allocate() for x');
  await bad(() => kernel.runInPlace(x, y, { pixels: 20 }), 'kernel copy needs 20 elements of y, but got 19');
  await bad(() => kernel.runInPlace(x, x, { pixels: 20 }), 'kernel copy was called with one array for x and y, which must not overlap');
  await bad(() => kernel.runItems(x, y, 2, 4, { pixels: 19 }), 'kernel copy has 3 work items for 19 pixels, but was called for 2..4');
  await bad(() => kernel.runItems(x, y, 2, 1, { pixels: 19 }), 'kernel copy has 3 work items for 19 pixels, but was called for 2..1');
  await bad(() => library.allocate(-1), 'cannot allocate -1 elements; give a whole number, 0 or more');
  library.free(x);
  await bad(() => library.free(x), 'free: not an array of this library, or freed before');
  await bad(() => kernel.runInPlace(x, y, { pixels: 2 }), 'kernel copy needs an array of library.allocate() for x');
});

test('refuses another pixel count than the compiled one', async () => {
  const fixed = { ...KERNEL, pixels: 20 };
  const kernel = (await load(tinyModule({ descriptor: { ...DESCRIPTOR, kernels: [fixed] } }))).kernel('copy');
  assert.deepEqual(kernel.run(X), X);
  await refuses(() => kernel.run(X, { pixels: 19 }), 'bad-argument', 'kernel copy is for 20 pixels, but was called with 19');
});

test('says when memory runs out', async () => {
  const library = await load(tinyModule({ maxPages: 2 }));
  await refuses(() => library.allocate(1 << 20), 'out-of-memory', /^cannot grow the module's memory of 65536 bytes by 41\d+$/);
  assert.equal(library.allocate(1000).length, 1000); // and goes on
});
