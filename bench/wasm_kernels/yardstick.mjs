// The yardsticks' module, their weights, and calls of them.
import { readFile } from 'node:fs/promises';

const ALIGNMENT = 64; // bytes
const PAGE = 65536;
const LAYER_BYTES = 28; // struct layer of yardstick.c

/** Takes memory behind the module's own data; `reset` gives all of it back. */
class Memory {
  #memory;
  #base;
  #end;
  constructor(exports) {
    this.#memory = exports.memory;
    this.#base = exports.__heap_base.value;
    this.reset();
  }
  reset() {
    this.#end = Math.ceil(this.#base / ALIGNMENT) * ALIGNMENT;
  }
  take(bytes) {
    const address = this.#end;
    this.#end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const missing = this.#end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    return address;
  }
  floats(address, length) {
    return new Float32Array(this.#memory.buffer, address, length);
  }
  words(address, length) {
    return new Int32Array(this.#memory.buffer, address, length);
  }
}

/** The loops of yardstick.c, by their exported names. */
export const LOOPS = ['plain', 'pipelined'];

export class Yardsticks {
  #memory;
  #exports;
  #weights;

  constructor(exports, weights) {
    this.#memory = new Memory(exports);
    this.#exports = exports;
    this.#weights = weights;
  }

  static async load(path, weights) {
    const { instance } = await WebAssembly.instantiate(await readFile(path), {});
    return new Yardsticks(instance.exports, weights);
  }

  /** The layer with input `x` (image). What was prepared before is gone. */
  prepare(layer, x) {
    this.#memory.reset();
    const { stride, rows, columns, pixels, yardstick } = layer;
    const values = this.#array(yardstick.values), steps = this.#array(yardstick.steps);
    const counts = this.#array(yardstick.counts), descriptor = this.#memory.take(LAYER_BYTES);
    const input = this.#memory.take(4 * stride * columns), output = this.#memory.take(4 * stride * rows);
    this.#memory.words(descriptor, 5).set([values, steps, counts, rows, stride]);
    this.#memory.floats(descriptor + 20, 2).set([layer.low ?? -Infinity, layer.high ?? Infinity]);
    this.#memory.floats(input, x.length).set(x);
    const first = input + 4 * stride * yardstick.first_input;
    return {
      runs: LOOPS.map((name) => () => this.#exports[name](descriptor, first, output, pixels)),
      output: () => this.#memory.floats(output, stride * rows),
      values: () => this.#memory.floats(values, yardstick.values.length),
      input: () => this.#memory.floats(input, x.length),
    };
  }

  /** One element more than there is, which the pipelined loop reads. */
  #array({ offset, length }) {
    const address = this.#memory.take(4 * (length + 1));
    const words = this.#memory.words(address, length + 1);
    words.set(new Int32Array(this.#weights.buffer, this.#weights.byteOffset + offset, length));
    words[length] = 0;
    return address;
  }
}

/**
 * What results may differ by at every output: rounding of each of a row's sums, in any order. Found by a yardstick
 * itself, with the magnitudes of weights and input.
 */
export function toleranceOf(yardsticks, layer, x) {
  const prepared = yardsticks.prepare({ ...layer, low: null, high: null }, x.map(Math.abs));
  const values = prepared.values();
  values.forEach((value, i) => { values[i] = Math.abs(value); });
  prepared.runs[0]();
  const unit = 2 ** -24 * 2 * (layer.columns + 2);
  return prepared.output().map((sum) => sum * unit);
}
