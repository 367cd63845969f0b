// Kernels of Espalier and rolled loops (yardstick.c), in turns, in this JavaScript engine.
//     node bench.mjs FOLDER YARDSTICK-FOLDER [--seconds S] [--layer REGEX] [--json FILE] [--check]
// FOLDER is generate_wasm_kernels', YARDSTICK-FOLDER has yardstick_simd128.wasm and yardstick_relaxed.wasm.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { load, pack, unpack } from '../../runtime/js/index.js';
import { hasFeature } from '../../runtime/js/src/engine.js';
import { race } from './race.mjs';
import { markdown } from './report.mjs';
import { LOOPS, toleranceOf, Yardsticks } from './yardstick.mjs';

const FEATURES = { simd128: 'simd128', relaxed: 'relaxed-simd' };

const { values: options, positionals: [folder, yardstickFolder] } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '1' }, // for all candidates of one layer, without the warm-up
    layer: { type: 'string', default: '.' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false }, // only compare results
  },
});

/** Values of both signs, the same in every run. */
function seededInput(length) {
  const values = new Float32Array(length);
  for (let i = 0, state = 1; i < length; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}

/** One kernel on arrays of its own. */
function prepareKernel(entry, library, layer, x) {
  const kernel = library.kernel(entry.kernel);
  const input = library.allocate(kernel.inputLength()), output = library.allocate(kernel.outputLength());
  const shape = { pixels: layer.pixels, panel: entry.panel, stride: layer.stride };
  input.view.set(entry.panel ? pack(x, { ...shape, channels: layer.columns }) : x.subarray(0, input.length));
  return {
    run: () => kernel.runInPlace(input, output),
    output: () => (entry.panel ? unpack(output.view, { ...shape, channels: layer.rows }) : output.view),
    free: () => [input, output].forEach((array) => library.free(array)),
  };
}

/** Throws at the first pixel that is further off than `tolerance`, or no number. */
function compare(layer, what, output, expected, tolerance) {
  for (let row = 0; row < layer.rows; ++row) {
    for (let i = row * layer.stride; i < row * layer.stride + layer.pixels; ++i) {
      if (Math.abs(output[i] - expected[i]) <= tolerance[i]) continue;
      const place = `output channel ${row}, pixel ${i - row * layer.stride}`;
      throw new Error(`${layer.name}: ${what} has ${output[i]} for ${place}, `
        + `but the yardstick has ${expected[i]} (tolerance ${tolerance[i]})`);
    }
  }
}

/** Everything against the first yardstick of the instruction set, and these against each other. */
function checkResults(layer, entries, candidates, yardsticks, tolerance) {
  const expected = {};
  for (const [isa, { runs, output }] of Object.entries(yardsticks)) {
    LOOPS.forEach((name, i) => {
      runs[i]();
      compare(layer, `${name} (${isa})`, output(), expected[isa] ??= output().slice(), tolerance);
    });
  }
  entries.forEach((entry, i) => {
    candidates[i].run();
    const what = `${entry.kernel} (${entry.cpu}, ${entry.schedule})`;
    compare(layer, what, candidates[i].output(), expected[entry.isa], tolerance);
  });
}

async function runLayer(layer, entries, libraries, yardsticks) {
  const x = seededInput(layer.stride * layer.columns);
  const tolerance = toleranceOf(Object.values(yardsticks)[0], layer, x);
  const prepared = Object.entries(yardsticks).map(([isa, y]) => [isa, y.prepare(layer, x)]);
  const candidates = entries.map((entry) => prepareKernel(entry, libraries[entry.cpu], layer, x));
  checkResults(layer, entries, candidates, Object.fromEntries(prepared), tolerance);
  const loops = prepared.flatMap(([isa, { runs }]) => LOOPS.map((loop, i) => ({ isa, loop, run: runs[i] })));
  const runs = [...loops, ...candidates].map((c) => c.run);
  const times = options.check ? runs.map(() => null) : await race(runs, 1000 * Number(options.seconds));
  candidates.forEach((c) => c.free());
  return {
    layer,
    yardsticks: loops.map(({ isa, loop }, i) => ({ isa, loop, time: times[i] })),
    kernels: entries.map((entry, i) => ({ ...entry, time: times[loops.length + i] })),
  };
}

function engineName() {
  const { node, v8 } = process.versions;
  return `Node ${node} (V8 ${v8})${process.execArgv.length ? ` ${process.execArgv.join(' ')}` : ''}`;
}

const set = JSON.parse(await readFile(`${folder}/layers.json`, 'utf8'));
const weights = await readFile(`${folder}/weights.bin`);
const cpus = set.cpus.filter(({ isa }) => hasFeature(FEATURES[isa]));
const yardsticks = {}, libraries = {}, results = [];
for (const { name, isa } of cpus) {
  yardsticks[isa] ??= await Yardsticks.load(`${yardstickFolder}/yardstick_${isa}.wasm`, weights);
  libraries[name] = await load(`${folder}/${name}.wasm`);
}
const isaOf = Object.fromEntries(cpus.map(({ name, isa }) => [name, isa]));
const kernels = set.kernels.filter(({ cpu }) => cpu in isaOf).map((k) => ({ ...k, isa: isaOf[k.cpu] }));
const wanted = new RegExp(options.layer);
for (const [index, layer] of set.layers.entries()) {
  if (!wanted.test(layer.name)) continue;
  results.push(await runLayer(layer, kernels.filter((k) => k.layer === index), libraries, yardsticks));
}
const report = { engine: engineName(), source: set.source, cpus, results };
const names = cpus.map((c) => c.name).join(', ');
console.log(options.check ? `${results.length} layers agree with the yardsticks for ${names}` : markdown(report));
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
