// Float arrays inside the module's memory.
import { EspalierError } from './error.js';

const PAGE_BYTES = 65536;
const ALIGNMENT = 64; // bytes: a cache line, the alignment that kernels run fastest with
const FLOAT_BYTES = 4;

/** `length` floats at `address`; `view` stays right when the memory grows. */
class FloatArray {
  #memory;
  #view;
  constructor(memory, address, length) {
    this.#memory = memory;
    this.address = address;
    this.length = length;
  }
  get view() {
    if (this.#view?.buffer !== this.#memory.buffer) {
      this.#view = new Float32Array(this.#memory.buffer, this.address, this.length);
    }
    return this.#view;
  }
}

/** First-fit allocation behind the module's own data; neighbouring free blocks merge. */
export class Heap {
  #memory;
  #free = []; // {address, bytes}, ascending, never adjacent
  #end;
  #live = new Map(); // address -> {array, bytes}

  constructor(memory, base) {
    this.#memory = memory;
    this.#end = roundUp(base, ALIGNMENT);
  }

  get buffer() {
    return this.#memory.buffer;
  }

  allocate(length) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new EspalierError('bad-argument', `cannot allocate ${length} elements; give a whole number, 0 or more`);
    }
    const bytes = Math.max(roundUp(length * FLOAT_BYTES, ALIGNMENT), ALIGNMENT);
    const array = new FloatArray(this.#memory, this.#take(bytes), length);
    this.#live.set(array.address, { array, bytes });
    return array;
  }

  free(array) {
    if (!this.owns(array)) throw new EspalierError('bad-argument', 'free: not an array of this library, or freed before');
    const { bytes } = this.#live.get(array.address);
    this.#live.delete(array.address);
    this.#give({ address: array.address, bytes });
  }

  owns(array) {
    return array instanceof FloatArray && this.#live.get(array.address)?.array === array;
  }

  #take(bytes) {
    const i = this.#free.findIndex((block) => block.bytes >= bytes);
    if (i < 0) return this.#extend(bytes);
    const block = this.#free[i];
    const { address } = block;
    block.address += bytes;
    block.bytes -= bytes;
    if (block.bytes === 0) this.#free.splice(i, 1);
    return address;
  }

  #extend(bytes) {
    const address = this.#end;
    const missing = address + bytes - this.#memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
      } catch (cause) {
        throw new EspalierError('out-of-memory',
          `cannot grow the module's memory of ${this.#memory.buffer.byteLength} bytes by ${missing}`, cause);
      }
    }
    this.#end += bytes;
    return address;
  }

  #give(block) {
    let i = this.#free.findIndex((other) => other.address > block.address);
    if (i < 0) i = this.#free.length;
    this.#free.splice(i, 0, block);
    this.#merge(i);
    this.#merge(i - 1);
    const last = this.#free.at(-1);
    if (last.address + last.bytes === this.#end) {
      this.#end = last.address;
      this.#free.pop();
    }
  }

  #merge(i) {
    const [a, b] = [this.#free[i], this.#free[i + 1]];
    if (!a || !b || a.address + a.bytes !== b.address) return;
    a.bytes += b.bytes;
    this.#free.splice(i + 1, 1);
  }
}

function roundUp(value, unit) {
  return Math.ceil(value / unit) * unit;
}
