// Copies between CHW images and pixel panels.
import { EspalierError } from './error.js';

/** Rows of `pixels` elements, `from` and `to` apart: copies them, and fills `fill` elements behind each with 0. */
function copyRows(source, target, { rows, pixels, from, to, sourceAt, targetAt, fill }) {
  for (let row = 0; row < rows; ++row) {
    const at = sourceAt + row * from;
    const place = targetAt + row * to;
    target.set(source.subarray(at, at + pixels), place);
    target.fill(0, place + pixels, place + pixels + fill);
  }
}

/** Calls use(first pixel, pixels, element where the panel begins) for every panel. */
function forPanels({ channels, pixels, panel }, use) {
  for (let pixel = 0; pixel < pixels; pixel += panel) use(pixel, Math.min(panel, pixels - pixel), pixel * channels);
}

/** Elements of a [channels, pixels] image whose rows are `stride` apart: the last row needs only its pixels. */
export function imageLength(channels, pixels, stride) {
  return channels === 0 ? 0 : (channels - 1) * stride + pixels;
}
/** Elements of the panels [ceil(pixels / panel)][channels][panel]. */
export function panelsLength(channels, pixels, panel) {
  return Math.ceil(pixels / panel) * panel * channels;
}

export function pack(image, options) {
  const shape = checkedShape(options);
  const { channels, stride, panel, output = new Float32Array(panelsLength(channels, shape.pixels, panel)) } = shape;
  checkFloats('the image', image, imageLength(channels, shape.pixels, stride));
  checkFloats('the panels', output, panelsLength(channels, shape.pixels, panel));
  forPanels(shape, (pixel, pixels, place) => copyRows(image, output,
    { rows: channels, pixels, from: stride, to: panel, sourceAt: pixel, targetAt: place, fill: panel - pixels }));
  return output;
}

export function unpack(panels, options) {
  const shape = checkedShape(options);
  const { channels, stride, panel, output = new Float32Array(imageLength(channels, shape.pixels, stride)) } = shape;
  checkFloats('the panels', panels, panelsLength(channels, shape.pixels, panel));
  checkFloats('the image', output, imageLength(channels, shape.pixels, stride));
  forPanels(shape, (pixel, pixels, place) => copyRows(panels, output,
    { rows: channels, pixels, from: panel, to: stride, sourceAt: place, targetAt: pixel, fill: 0 }));
  return output;
}

function checkedShape({ channels, pixels, panel, stride = pixels, output } = {}) {
  const isCount = (value, least) => Number.isSafeInteger(value) && value >= least;
  for (const [name, value, least] of [['channels', channels, 0], ['pixels', pixels, 0], ['panel', panel, 1]]) {
    if (!isCount(value, least)) throw refusal(`${name} is ${value}, but has to be a whole number from ${least} on`);
  }
  if (!isCount(stride, pixels)) throw refusal(`stride is ${stride}, but rows have ${pixels} pixels`);
  return { channels, pixels, panel, stride, output };
}

function checkFloats(which, array, length) {
  if (!(array instanceof Float32Array)) throw refusal(`needs a Float32Array for ${which}`);
  if (array.length < length) throw refusal(`needs ${length} elements of ${which}, but got ${array.length}`);
}

function refusal(what) {
  return new EspalierError('bad-argument', `panels: ${what}`);
}
