// A network as a WebAssembly module against onnxruntime-web (WASM SIMD, one thread each) in this Node, in turns.
//   node bench/networks/web.mjs FOLDER MODEL.wasm MODEL.onnx [ROUNDS]
// FOLDER is where `npm install onnxruntime-web` was run. Prints medians in milliseconds and their ratio.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { load } from '../../runtime/js/index.js';

const [folder, module, model, rounds = '9'] = process.argv.slice(2);
const require = createRequire(resolve(folder, 'package.json'));
const imported = await import(pathToFileURL(require.resolve('onnxruntime-web/wasm')));
const ort = imported.env ? imported : imported.default; // a CommonJS build has everything in its default
ort.env.wasm.numThreads = 1;

const network = (await load(module)).network();
const session = await ort.InferenceSession.create(await readFile(model), { executionProviders: ['wasm'] });
const [{ shape: [n, h, w, c] }] = network.inputs;
const image = new Float32Array(n * h * w * c).map((_, i) => Math.sin(i));
const tensor = new ort.Tensor('float32', image, [n, c, h, w]);

const turns = {
  espalier: () => network.run(image),
  onnxruntime: () => session.run({ [session.inputNames[0]]: tensor }),
};
const times = { espalier: [], onnxruntime: [] };
for (let round = -2; round < Number(rounds); ++round) { // the first two warm up
  for (const [name, run] of Object.entries(turns)) {
    for (let i = 0; i < 5; ++i) {
      const start = performance.now();
      await run();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
}
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const [ours, theirs] = [median(times.espalier), median(times.onnxruntime)];
console.log(`${process.version} ${network.name}: espalier ${ours.toFixed(2)} ms, onnxruntime-web ${theirs.toFixed(2)} ms, ratio ${(theirs / ours).toFixed(2)}`);
