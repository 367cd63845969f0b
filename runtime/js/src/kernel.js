// One kernel of a loaded module.
import { EspalierError } from './error.js';
import { imageLength, panelsLength } from './panels.js';

/** Elements of a buffer: panels, or one CHW image. */
function extent(channels, pixels, stride, panel) {
  return panel === 0 ? imageLength(channels, pixels, stride) : panelsLength(channels, pixels, panel);
}

export class Kernel {
  #heap;
  #run;
  #items;

  constructor(description, exports, heap) {
    this.name = description.name;
    this.outputChannels = description.output_channels;
    this.inputChannels = description.input_channels;
    this.nonzeros = description.nonzeros;
    this.pixels = description.pixels;
    this.maxPixels = description.max_pixels;
    this.inputStride = description.input_stride;
    this.outputStride = description.output_stride;
    this.inputPanel = description.input_panel;
    this.outputPanel = description.output_panel;
    this.pixelBlock = description.pixel_block;
    this.pixelMultiple = description.pixel_multiple;
    this.groups = description.groups;
    this.outputOrder = description.output_order ? Object.freeze([...description.output_order]) : null;
    this.#heap = heap;
    this.#run = exports[this.name];
    this.#items = exports[`${this.name}.items`];
    Object.freeze(this);
  }

  inputLength(pixels) {
    return extent(this.inputChannels, this.#checkedPixels(pixels), this.inputStride, this.inputPanel);
  }
  outputLength(pixels) {
    return extent(this.outputChannels, this.#checkedPixels(pixels), this.outputStride, this.outputPanel);
  }
  items(pixels) {
    const padded = Math.ceil(this.#checkedPixels(pixels) / this.pixelMultiple) * this.pixelMultiple;
    return Math.ceil(padded / this.pixelBlock) * this.groups;
  }

  run(x, { pixels, output } = {}) {
    const count = this.#checkedPixels(pixels);
    this.#checkFloats('x', x, this.inputLength(count));
    if (output !== undefined) this.#checkFloats('output', output, this.outputLength(count));
    const length = this.inputLength(count);
    const source = x.buffer === this.#heap.buffer ? x.slice(0, length) : x.subarray(0, length); // growth detaches views
    const result = output ?? new Float32Array(this.outputLength(count));
    const input = this.#heap.allocate(length);
    const sums = this.#heap.allocate(result.length);
    try {
      input.view.set(source);
      this.#run(input.address, sums.address, count);
      this.#copyPixels(sums.view, result, count);
    } finally {
      this.#heap.free(sums);
      this.#heap.free(input);
    }
    return result;
  }

  runInPlace(x, y, { pixels } = {}) {
    const count = this.#checkedArrays(x, y, pixels);
    this.#run(x.address, y.address, count);
  }

  runItems(x, y, firstItem, lastItem, { pixels } = {}) {
    const count = this.#checkedArrays(x, y, pixels);
    const items = this.items(count);
    const whole = Number.isInteger(firstItem) && Number.isInteger(lastItem);
    if (!whole || firstItem < 0 || firstItem > lastItem || lastItem > items) {
      throw this.#refusal(`has ${items} work items for ${count} pixels, but was called for ${firstItem}..${lastItem}`);
    }
    this.#items(x.address, y.address, count, firstItem, lastItem);
  }

  toNaturalOrder(y, { pixels, output } = {}) {
    const count = this.#checkedPixels(pixels);
    const length = this.outputLength(count);
    this.#checkFloats('y', y, length);
    if (output !== undefined) this.#checkFloats('output', output, length);
    const result = output ?? new Float32Array(length);
    if (y.buffer === result.buffer) throw this.#refusal('needs another array for the natural order than for y');
    this.#forRows(count, (row, place, inRow) => {
      const channel = this.outputOrder?.[row] ?? row;
      result.set(y.subarray(place, place + inRow), place + (channel - row) * this.outputStride);
    });
    return result;
  }

  /** Calls use(row of Y, element where its pixels begin, how many they are) for every row, panel by panel. */
  #forRows(pixels, use) {
    const width = this.outputPanel || pixels;
    for (let first = 0; first < pixels; first += width) {
      const start = this.outputPanel === 0 ? first : first * this.outputChannels;
      const inRow = Math.min(width, pixels - first);
      for (let row = 0; row < this.outputChannels; ++row) use(row, start + row * this.outputStride, inRow);
    }
  }

  /** Only pixels: what lies between rows, or pads the last panel, belongs to the caller. */
  #copyPixels(from, to, pixels) {
    const stride = this.outputStride;
    const inRows = pixels % stride; // of the last panel, or of the image; the others leave no gaps
    const start = (pixels - inRows) * this.outputChannels;
    to.set(from.subarray(0, start));
    if (inRows === 0) return;
    for (let row = start; row < start + this.outputChannels * stride; row += stride) {
      to.set(from.subarray(row, row + inRows), row);
    }
  }

  #checkedPixels(pixels) {
    if (this.pixels !== 0) {
      if (pixels === undefined || pixels === this.pixels) return this.pixels;
      throw this.#refusal(`is for ${this.pixels} pixels, but was called with ${pixels}`);
    }
    if (Number.isSafeInteger(pixels) && pixels >= 0 && pixels <= this.maxPixels) return pixels;
    throw this.#refusal(`takes 0..${this.maxPixels} pixels, but was called with ${pixels}`);
  }

  #checkedArrays(x, y, pixels) {
    const count = this.#checkedPixels(pixels);
    this.#checkOwned('x', x, this.inputLength(count));
    this.#checkOwned('y', y, this.outputLength(count));
    if (x === y) throw this.#refusal('was called with one array for x and y, which must not overlap');
    return count;
  }
  #checkOwned(which, array, length) {
    if (!this.#heap.owns(array)) throw this.#refusal(`needs an array of library.allocate() for ${which}`);
    if (array.length < length) throw this.#refusal(`needs ${length} elements of ${which}, but got ${array.length}`);
  }
  #checkFloats(which, array, length) {
    if (!(array instanceof Float32Array)) throw this.#refusal(`needs a Float32Array for ${which}`);
    if (array.length < length) throw this.#refusal(`needs ${length} elements of ${which}, but got ${array.length}`);
  }
  #refusal(what) {
    return new EspalierError('bad-argument', `kernel ${this.name} ${what}`);
  }
}
