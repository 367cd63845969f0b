// node run_kernels.mjs MODULE.wasm FOLDER: calls every kernel of an emitted module on FOLDER/NAME.x.f32 and writes
// FOLDER/NAME.y.f32 (raw fp32, all rows at their strides). An example of a JavaScript program around emitted code.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from '../../runtime/js/index.js';

async function readFloats(path, count) {
  const bytes = await readFile(path);
  if (bytes.length !== 4 * count) throw new Error(`${path}: has ${bytes.length} bytes, but ${count} floats have ${4 * count}`);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

async function run(kernel, folder) {
  const x = await readFloats(join(folder, `${kernel.name}.x.f32`), kernel.inputChannels * kernel.inputStride);
  const output = new Float32Array(kernel.outputChannels * kernel.outputStride);
  kernel.run(x, { pixels: kernel.maxPixels, output });
  await writeFile(join(folder, `${kernel.name}.y.f32`), output);
}

const [module, folder] = process.argv.slice(2);
const library = await load(module);
for (const name of library.kernelNames) await run(library.kernel(name), folder);
console.log(`${library.kernelNames.length} kernels`);
