// What this engine can run.
import { EspalierError } from './error.js';

const PREAMBLE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // magic number, version 1
const TYPE_V128 = [1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0]; // one function: () -> v128
const ZERO = [0xfd, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // v128.const 0

function probe(body) {
  const code = [0, ...body, 0x0b];
  return new Uint8Array([...PREAMBLE, ...TYPE_V128, 10, code.length + 2, 1, code.length, ...code]);
}

// The smallest module that needs each feature.
const PROBES = {
  simd128: probe(ZERO),
  'relaxed-simd': probe([...ZERO, ...ZERO, ...ZERO, 0xfd, 0x85, 2]), // f32x4.relaxed_madd
};

const HINTS = {
  simd128: 'fixed-width SIMD: Chrome 91, Firefox 89, Safari 16.4, Node 16.4 and newer',
  'relaxed-simd': 'relaxed SIMD: Chrome 114, Firefox 145, Node 22 and newer; kernels for CPU simd128 run without',
};

/** @returns {boolean} whether the engine has a feature, by its name in the WebAssembly tool conventions */
export function hasFeature(name) {
  return name in PROBES && WebAssembly.validate(PROBES[name]);
}

/** Refuses what this engine cannot run. */
export function checkEngine(where, features) {
  for (const feature of features) {
    if (hasFeature(feature)) continue;
    const hint = HINTS[feature] ?? 'a feature that this version of the espalier package does not know';
    throw new EspalierError('no-feature', `${where}: needs WebAssembly ${feature}, which this engine does not have (${hint})`);
  }
}

export function checkWebAssembly(where) {
  if (typeof WebAssembly === 'object') return;
  throw new EspalierError('no-webassembly', `${where}: this engine has no WebAssembly, or a policy disables it`);
}
