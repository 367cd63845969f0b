// The module's description of itself: its custom section `espalier`, written by the compiler.
import { EspalierError } from './error.js';

/** Version of runtime/include/espalier/kernel_abi.h that this package knows. */
export const ABI_VERSION = 3;

const SECTION = 'espalier';
const COUNTS = ['output_channels', 'input_channels', 'nonzeros', 'pixels', 'max_pixels', 'input_stride', 'output_stride',
  'input_panel', 'output_panel', 'pixel_block', 'pixel_multiple', 'groups'];

/** Reads and checks the description before anything else of it is used. */
export function readDescriptor(where, module) {
  const sections = WebAssembly.Module.customSections(module, SECTION);
  if (sections.length !== 1) {
    throw new EspalierError('no-descriptor', `${where}: has ${sections.length} sections '${SECTION}', but needs one: `
      + 'not made by espalier compile --emit wasm, or stripped by another tool');
  }
  const descriptor = parse(where, new TextDecoder().decode(sections[0]));
  if (descriptor.abi_version !== ABI_VERSION) {
    throw new EspalierError('abi-mismatch', `${where}: was made for ABI version ${descriptor.abi_version}, but this `
      + `espalier package has version ${ABI_VERSION}; install the package of the compiler's version`);
  }
  checkShape(where, descriptor);
  return descriptor;
}

/**
 * The features that a module says it needs, found without the engine: one that lacks a feature refuses the whole module.
 * Empty if the bytes are no complete module.
 */
export function featuresOf(bytes) {
  try {
    const { features } = JSON.parse(new TextDecoder().decode(lastSection(bytes)));
    return Array.isArray(features) ? features.filter((f) => typeof f === 'string') : [];
  } catch {
    return [];
  }
}

/** Contents of the last section, which is ours: the compiler appends it. */
function lastSection(bytes) {
  let at = 8; // behind magic number and version
  const number = () => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (!(byte & 0x80)) return value;
    }
    throw new RangeError('a LEB128 number of more than 5 bytes');
  };
  let section = bytes.subarray(0, 0);
  while (at < bytes.length) {
    const isCustom = bytes[at++] === 0;
    const end = number() + at; // the size's own bytes are read first
    const nameBytes = isCustom ? number() : 0;
    section = bytes.subarray(at + nameBytes, end);
    at = end;
  }
  return section;
}

function parse(where, text) {
  try {
    const value = JSON.parse(text);
    if (value && typeof value === 'object') return value;
  } catch { /* reported below */ }
  throw new EspalierError('bad-descriptor', `${where}: its section '${SECTION}' is not a JSON object`);
}

function checkShape(where, { features, kernels, networks = [] }) {
  const bad = (what) => new EspalierError('bad-descriptor', `${where}: its section '${SECTION}' ${what}`);
  if (!Array.isArray(features) || !features.every((f) => typeof f === 'string')) throw bad('has no list of features');
  if (!Array.isArray(kernels)) throw bad('has no list of kernels');
  for (const kernel of kernels) {
    if (typeof kernel?.name !== 'string') throw bad('has a kernel without a name');
    for (const field of COUNTS) {
      if (!Number.isSafeInteger(kernel[field]) || kernel[field] < 0) {
        throw bad(`has ${kernel[field]} for ${field} of kernel ${kernel.name}, but needs a count`);
      }
    }
    if (!isOrder(kernel.output_order, kernel.output_channels)) {
      throw bad(`has an output_order of kernel ${kernel.name} that does not name each of ${kernel.output_channels} channels once`);
    }
  }
  if (!Array.isArray(networks)) throw bad('has networks that are no list');
  for (const network of networks) checkNetwork(network, bad);
}

function checkNetwork(network, bad) {
  if (typeof network?.name !== 'string') throw bad('has a network without a name');
  const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
  if (!isCount(network.block_bytes)) throw bad(`has ${network.block_bytes} for block_bytes of network ${network.name}, but needs a count`);
  for (const role of ['inputs', 'outputs']) {
    const isValue = ({ name, shape, offset } = {}) => typeof name === 'string' && Array.isArray(shape) && shape.length === 4
      && shape.every(isCount) && isCount(offset) && offset % 4 === 0
      && offset + 4 * shape.reduce((a, b) => a * b) <= network.block_bytes;
    if (!Array.isArray(network[role]) || !network[role].every(isValue)) {
      throw bad(`has ${role} of network ${network.name} that are no list of names, shapes and offsets inside its block`);
    }
  }
  const hasLayers = Array.isArray(network.layers) && network.layers.every((l) => typeof l === 'string');
  const isStep = (s) => isCount(s?.layer) && s.layer < network.layers.length;
  if (!hasLayers || !Array.isArray(network.steps) || !network.steps.every(isStep)) {
    throw bad(`has layers or steps of network ${network.name} that are no lists of names and of their places`);
  }
}

/** Whether `order`, which may be missing, names every channel once. */
function isOrder(order, channels) {
  if (order === undefined) return true;
  const inRange = (c) => Number.isSafeInteger(c) && c >= 0 && c < channels;
  return Array.isArray(order) && order.every(inRange) && order.length === channels && new Set(order).size === channels;
}
