// Loads WebAssembly modules made by the Espalier compiler. See README.md and index.d.ts.
export { load, ABI_VERSION } from './src/load.js';
export { pack, unpack } from './src/panels.js';
export { EspalierError } from './src/error.js';
