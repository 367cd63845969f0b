// One network of a loaded module.
import { EspalierError } from './error.js';

const count = ([n, h, w, c]) => n * h * w * c;

export class Network {
  #heap;
  #run;
  #step;
  #steps;
  #bytes;
  #block = null; // the memory of a run, kept from one to the next

  constructor(description, exports, heap) {
    const value = ({ name, shape, offset }) => Object.freeze({ name, shape: Object.freeze([...shape]), offset });
    this.name = description.name;
    this.inputs = Object.freeze(description.inputs.map(value));
    this.outputs = Object.freeze(description.outputs.map(value));
    this.layers = Object.freeze([...description.layers]);
    this.#heap = heap;
    this.#bytes = description.block_bytes;
    this.#steps = description.steps.map(({ layer }) => layer);
    this.#run = exports[`${this.name}.run`];
    this.#step = exports[`${this.name}.step`];
    Object.freeze(this);
  }

  run(inputs, { outputs } = {}) {
    return this.#around(inputs, outputs, (address) => this.#run(address));
  }

  profile(inputs, { clock = () => performance.now() } = {}) {
    const milliseconds = new Array(this.layers.length).fill(0);
    const outputs = this.#around(inputs, undefined, (address) => {
      let before = clock();
      this.#steps.forEach((layer, step) => {
        this.#step(address, step);
        const now = clock();
        milliseconds[layer] += now - before;
        before = now;
      });
    });
    return { outputs, milliseconds };
  }

  free() {
    if (this.#block) this.#heap.free(this.#block);
    this.#block = null;
  }

  #around(inputs, outputs, use) {
    const given = inputs instanceof Float32Array ? [inputs] : inputs;
    this.#check('input', given, this.inputs);
    if (outputs !== undefined) this.#check('output', outputs, this.outputs);
    this.#block ??= this.#heap.allocate(this.#bytes / 4);
    // Inputs may lie in the module's memory, but not in this block, which nobody else sees.
    this.inputs.forEach(({ shape, offset }, i) => this.#block.view.set(given[i].subarray(0, count(shape)), offset / 4));
    use(this.#block.address);
    return this.outputs.map(({ shape, offset }, i) => {
      const values = this.#block.view.subarray(offset / 4, offset / 4 + count(shape));
      if (!outputs) return values.slice();
      outputs[i].set(values);
      return outputs[i];
    });
  }

  #check(role, arrays, wanted) {
    if (!Array.isArray(arrays) || arrays.length !== wanted.length) {
      throw this.#refusal(`has ${wanted.length} ${role}s, but was given ${Array.isArray(arrays) ? arrays.length : 'no array'}`);
    }
    wanted.forEach(({ name, shape }, i) => {
      if (!(arrays[i] instanceof Float32Array)) throw this.#refusal(`needs a Float32Array for ${role} ${i} '${name}'`);
      if (arrays[i].length < count(shape)) {
        throw this.#refusal(`needs ${count(shape)} elements of ${role} ${i} '${name}', but got ${arrays[i].length}`);
      }
    });
  }
  #refusal(what) {
    return new EspalierError('bad-argument', `network ${this.name} ${what}`);
  }
}
