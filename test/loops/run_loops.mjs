// Runs the loop functions of a module as driver.c does.
//   node run_loops.mjs MODULE CASES INPUTS OUTPUTS     cases: JSON, see loop_runner.cpp
import { readFile, writeFile } from 'node:fs/promises';

const [modulePath, casesPath, inputsPath, outputsPath] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(await readFile(modulePath));
const { memory, __heap_base: heap } = instance.exports;
const inputs = await readFile(inputsPath);
const outputs = [];
let read = 0;
for (const c of JSON.parse(await readFile(casesPath, 'utf8'))) {
  let free = (heap.value + 15) & ~15;
  const allocate = (elements) => {
    const at = free;
    free += 4 * elements;
    if (free > memory.buffer.byteLength) memory.grow(Math.ceil((free - memory.buffer.byteLength) / 65536));
    return at;
  };
  const filled = (elements) => {
    const at = allocate(elements);
    new Uint8Array(memory.buffer).set(inputs.subarray(read, (read += 4 * elements)), at);
    return at;
  };
  const [x0, x1, weights, y] = [c.x0, c.x1, c.weights, c.y].map(filled);
  const guard = allocate(16);
  new Float32Array(memory.buffer, guard, 16).fill(12345);
  const table = allocate(c.table.length);
  new Int32Array(memory.buffer, table, c.table.length).set(c.table);
  const scratch = allocate(c.scratch);
  for (let item = c.items - 1; item >= 0; --item) {
    new Float32Array(memory.buffer, scratch, c.scratch).fill(NaN);
    instance.exports[c.name](c.in_place ? y : x0, x1, y, weights, table, scratch, item, item + 1);
  }
  if (new Float32Array(memory.buffer, guard, 16).some((v) => v !== 12345)) throw new Error(`${c.name} wrote behind y`);
  outputs.push(Buffer.from(memory.buffer.slice(y, y + 4 * c.y)));
}
await writeFile(outputsPath, Buffer.concat(outputs));
