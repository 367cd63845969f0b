// Runs kernels of a module as a plan says, for the C++ tests; also a check of the loader in runtime/js.
//   node run_module.mjs plan.json      plan: see NodeCall in node_runner.h
//   node run_module.mjs --has FEATURE  exit code 0 if this engine has the feature, else 1
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { load } from '../../runtime/js/index.js';
import { hasFeature } from '../../runtime/js/src/engine.js';

const GUARD = 16; // elements behind y, which no kernel may touch
const GUARD_VALUE = 12345;

async function floats(path) {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function runInMemory(library, kernel, call, input, output) {
  const x = library.allocate(input.length);
  const y = library.allocate(output.length + GUARD);
  x.view.set(input);
  y.view.fill(GUARD_VALUE).set(output);
  if (call.items) for (const [first, last] of call.items) kernel.runItems(x, y, first, last, call);
  else kernel.runInPlace(x, y, call);
  const guard = y.view.subarray(output.length);
  if (guard.some((value) => value !== GUARD_VALUE)) throw new Error(`${kernel.name} wrote behind its output`);
  output.set(y.view.subarray(0, output.length));
  library.free(x);
  library.free(y);
}

async function run(library, folder, call) {
  const kernel = library.kernel(call.kernel);
  const input = await floats(join(folder, call.x));
  const output = await floats(join(folder, call.y));
  if (call.copy) kernel.run(input, { pixels: call.pixels, output });
  else runInMemory(library, kernel, call, input, output);
  await writeFile(join(folder, call.y), output);
}

async function main([first, second]) {
  if (first === '--has') return hasFeature(second) ? 0 : 1;
  const folder = dirname(first);
  const plan = JSON.parse(await readFile(first, 'utf8'));
  const library = await load(join(folder, plan.module));
  for (const call of plan.calls) await run(library, folder, call);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
