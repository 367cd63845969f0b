// Those who take turns in web.mjs. Each is { label, run, answers }: run() does what a caller has to do for every image,
// from a Float32Array to Float32Arrays; answers(of what run gave) are the outputs by name, as NHWC.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import { load } from '../../runtime/js/index.js';

function installed(folder, name) {
  const require = createRequire(resolve(folder, 'package.json'));
  const path = require.resolve(name);
  const root = path.slice(0, path.lastIndexOf('/dist/'));
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  return { root, version, url: pathToFileURL(path) };
}

export async function espalier(path) {
  const network = (await load(path)).network();
  if (network.inputs.length !== 1) throw new Error(`${path}: has ${network.inputs.length} inputs, but one is given`);
  return {
    label: basename(path),
    shape: network.inputs[0].shape,
    start: (image) => ({
      run: () => network.run(image),
      answers: (arrays) => Object.fromEntries(arrays.map((values, i) => [network.outputs[i].name, values])),
    }),
  };
}

function transposed(values, rows, columns) {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

/** ONNX's images are NCHW. */
function nhwc({ data, dims: [, channels, ...size] }) {
  return size.length === 2 ? transposed(data, channels, size[0] * size[1]) : data;
}

export async function onnxruntime(folder, path) {
  const { url, version } = installed(folder, 'onnxruntime-web/wasm');
  const imported = await import(url);
  const ort = imported.env ? imported : imported.default; // a CommonJS build has everything in its default
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(await readFile(path), { executionProviders: ['wasm'] });
  return {
    label: `onnxruntime-web ${version}`,
    start: (image, [n, h, w, c]) => {
      const planes = transposed(image, h * w, c);
      return {
        run: () => session.run({ [session.inputNames[0]]: new ort.Tensor('float32', planes, [n, c, h, w]) }),
        answers: (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, nhwc(tensor)])),
      };
    },
  };
}

/** What `importScripts` of a worker would leave behind, by way of the script's own export for Node. */
function import_script(path) {
  const module = { exports: {} };
  const scope = {
    module, exports: module.exports, require: createRequire(path), __filename: path, __dirname: dirname(path),
  };
  compileFunction(readFileSync(path, 'utf8'), Object.keys(scope), { filename: path })(...Object.values(scope));
  globalThis.ModuleFactory = module.exports;
}

/** LiteRT.js is written for pages and workers: while it loads, Node looks like a worker. The script is its choice. */
async function load_litert(litert, folder) {
  let script;
  globalThis.self = globalThis;
  globalThis.importScripts = (path) => import_script(script = path);
  await litert.loadLiteRt(folder);
  delete globalThis.importScripts;
  return basename(script, '.js');
}

function litert_answers(model, arrays) {
  return Object.fromEntries(model.getOutputDetails().map(({ name }, i) => [name, arrays[i]]));
}

export async function litert(folder, path) {
  const { root, version, url } = installed(folder, '@litertjs/core');
  const library = await import(url);
  const script = await load_litert(library, `${root}/wasm/`);
  const options = { accelerator: 'wasm', cpuOptions: { numThreads: 1 } };
  const model = await library.loadAndCompile(await readFile(path), options);
  return {
    label: `LiteRT.js ${version} (${script})`,
    start: (image, shape) => ({
      run: async () => {
        const tensor = new library.Tensor(image, shape);
        const outputs = await model.run(tensor);
        const arrays = outputs.map((output) => output.toTypedArray());
        [tensor, ...outputs].forEach((value) => value.delete());
        return arrays;
      },
      answers: (arrays) => litert_answers(model, arrays),
    }),
  };
}
