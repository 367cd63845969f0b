// run_network.mjs MODULE INPUTS OUTPUTS: raw fp32 files, all inputs (outputs) one after the other.
import { readFile, writeFile } from 'node:fs/promises';
import { load } from '../../runtime/js/index.js';

const [module, from, to] = process.argv.slice(2);
const network = (await load(module)).network();
const bytes = await readFile(from);
const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
let at = 0;
const inputs = network.inputs.map(({ shape }) => {
  const count = shape.reduce((a, b) => a * b);
  at += count;
  return all.slice(at - count, at);
});
const outputs = network.run(inputs);
const { outputs: again } = network.profile(inputs);
again.forEach((values, i) => values.forEach((v, e) => {
  if (!Object.is(v, outputs[i][e])) throw new Error(`output ${i} differs at element ${e} of a second run`);
}));
await writeFile(to, Buffer.concat(outputs.map((o) => Buffer.from(o.buffer, o.byteOffset, o.byteLength))));
