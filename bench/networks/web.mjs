// A network as WebAssembly modules against onnxruntime-web and LiteRT.js (WASM SIMD, one thread each) in this Node, in
// turns.
//   node bench/networks/web.mjs FOLDER FILE... [--rounds N]
// FOLDER is where `npm install onnxruntime-web @litertjs/core` was run. Files are one network: modules of `espalier
// compile` (NAME.wasm, the first is what outputs are compared with), NAME.onnx for onnxruntime-web, NAME.tflite for
// LiteRT.js. Prints medians in milliseconds; per module how many times as long everybody takes (the rounds' median and
// their middle half); and the largest difference from the first module's outputs, over their range. Exit code 1 if that
// is more than noise.
import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import { espalier, litert, onnxruntime } from './web_peers.mjs';

const RUNS = 5;
const WARM_UP_MS = 2000; // V8 compiles anew what it has seen run often
const NOISE = 1e-4;
const MAKERS = {
  '.wasm': (folder, file) => espalier(file),
  '.onnx': onnxruntime,
  '.tflite': litert,
};

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function contestants(folder, files) {
  const found = [];
  for (const file of files) {
    const make = MAKERS[extname(file)];
    if (!make) throw new Error(`${file}: is no .wasm, .onnx or .tflite`);
    found.push(await make(folder, file));
  }
  const shape = found.find((one) => one.shape)?.shape;
  if (!shape) throw new Error('none of the files is a .wasm');
  const image = new Float32Array(shape.reduce((a, b) => a * b)).map((_, i) => Math.sin(i));
  return found.map((one) => ({ label: one.label, ours: 'shape' in one, times: [], ...one.start(image, shape) }));
}

/** Over a range that holds zero, since an output may be one number. */
function difference(wanted, got) {
  if (got?.length !== wanted.length) return Infinity;
  const range = wanted.reduce((most, v) => Math.max(most, v), 0) - wanted.reduce((least, v) => Math.min(least, v), 0);
  const largest = wanted.reduce((most, v, i) => Math.max(most, Math.abs(v - got[i])), 0);
  return largest === 0 ? 0 : largest / range;
}

async function compare(everybody) {
  const answers = [];
  for (const one of everybody) answers.push(one.answers(await one.run()));
  const wanted = Object.entries(answers[everybody.findIndex((one) => one.ours)]);
  everybody.forEach((one, k) => { // files may name outputs differently
    const in_order = Object.values(answers[k]);
    const got = wanted.map(([name], i) => answers[k][name] ?? in_order[i]);
    one.difference = Math.max(...wanted.map(([, values], i) => difference(values, got[i])));
  });
}

async function take_turn(one, enough) {
  const times = [];
  for (const begin = performance.now(); !enough(times.length, performance.now() - begin);) {
    const start = performance.now();
    await one.run();
    times.push(performance.now() - start);
  }
  return times;
}

async function measure(everybody, rounds) {
  for (const one of everybody) await take_turn(one, (runs, ms) => ms > WARM_UP_MS);
  for (let round = 0; round < rounds; ++round) {
    for (const one of everybody) one.times.push(await take_turn(one, (runs) => runs === RUNS));
  }
}

/** Of each round's medians: a neighbour who is there for some rounds changes few of them. */
function ratio(one, ours) {
  const rounds = one.times.map((times, round) => median(times) / median(ours.times[round])).sort((a, b) => a - b);
  const [low, middle, high] = [1, 2, 3].map((quarter) => rounds[(rounds.length * quarter) >> 2].toFixed(2));
  return `${middle} (${low} to ${high})`;
}

function table(everybody) {
  const modules = everybody.filter((one) => one.ours);
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const lines = everybody.map((one) => row([one.label, median(one.times.flat()).toFixed(2),
    ...modules.map((ours) => ratio(one, ours)), one.difference.toExponential(0)]));
  const head = row(['', 'ms', ...modules.map((one) => `/ ${one.label}`), 'difference']);
  return [head, head.replace(/[^|]+/g, '---'), ...lines].join('\n');
}

const { values: options, positionals: [folder, ...files] } =
  parseArgs({ options: { rounds: { type: 'string', default: '9' } }, allowPositionals: true });
const everybody = await contestants(folder, files);
await compare(everybody);
await measure(everybody, Number(options.rounds));
console.log(`${process.version}\n${table(everybody)}`);
for (const { label, difference } of everybody) {
  if (difference <= NOISE) continue;
  console.log(`${label}: outputs differ by ${difference} of their range, so that its time says nothing`);
  process.exitCode = 1;
}
