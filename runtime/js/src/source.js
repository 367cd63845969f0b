// Gets the bytes of a module from wherever they are, and explains why not.
import { EspalierError } from './error.js';

const IN_NODE = typeof process === 'object' && !!process.versions?.node;
const WASM_MAGIC = [0, 0x61, 0x73, 0x6d];

/** @returns {Promise<{where: string, bytes?: Uint8Array, module?: WebAssembly.Module}>} */
export async function readSource(source) {
  source = await source;
  if (typeof WebAssembly === 'object' && source instanceof WebAssembly.Module) return { where: 'module', module: source };
  if (source instanceof ArrayBuffer) return checked('bytes', new Uint8Array(source));
  if (ArrayBuffer.isView(source)) {
    return checked('bytes', new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  }
  if (typeof Response === 'function' && source instanceof Response) return readResponse(source, source.url || 'response');
  if (source instanceof URL || typeof source === 'string') return readAddress(source);
  throw new EspalierError('bad-source',
    `cannot load from ${describe(source)}; give a path, a URL, a Response, bytes or a WebAssembly.Module`);
}

function describe(source) {
  return source === null || source === undefined ? String(source) : `a value of type ${source.constructor?.name ?? typeof source}`;
}

function readAddress(address) {
  const text = String(address);
  const isFile = address instanceof URL ? address.protocol === 'file:' : !/^[a-z][a-z0-9+.-]+:\/\//i.test(text);
  if (IN_NODE && (isFile || text.startsWith('file:'))) return readFile(address);
  return fetchModule(text);
}

async function readFile(address) {
  const [{ readFile: read }, { fileURLToPath }, { resolve }] = await Promise.all(
    [import('node:fs/promises'), import('node:url'), import('node:path')]);
  const path = String(address).startsWith('file:') ? fileURLToPath(address) : String(address);
  let bytes;
  try {
    bytes = await read(path);
  } catch (cause) {
    const reason = { ENOENT: 'no such file', EISDIR: 'is a directory', EACCES: 'permission denied' }[cause.code] ?? cause.message;
    throw new EspalierError('not-found', `${path}: ${reason} (looked at ${resolve(path)})`, cause);
  }
  return checked(path, bytes);
}

async function fetchModule(url) {
  let response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new EspalierError('not-found',
      `${url}: cannot be fetched (${cause.cause?.message ?? cause.message}); wrong address, no network, or refused by CORS`, cause);
  }
  return readResponse(response, url);
}

async function readResponse(response, where) {
  if (!response.ok) {
    throw new EspalierError('not-found', `${where}: the server answered ${response.status} ${response.statusText}`.trimEnd());
  }
  if (response.bodyUsed) throw new EspalierError('bad-source', `${where}: the response's body has already been read`);
  // Bytes instead of compileStreaming: that refuses modules whose MIME type is not application/wasm.
  return checked(where, new Uint8Array(await response.arrayBuffer()), response.headers.get('content-type'));
}

function checked(where, bytes, mime) {
  if (WASM_MAGIC.every((byte, i) => bytes[i] === byte)) return { where, bytes };
  const sent = mime ? ` (sent as ${mime})` : '';
  if (bytes.length === 0) throw new EspalierError('not-wasm', `${where}: is empty${sent}`);
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).replace(/^\ufeff/, '').trimStart();
  if (/^<(!doctype|html|head|body|\?xml)/i.test(start)) {
    throw new EspalierError('not-wasm',
      `${where}: is an HTML page${sent}, not WebAssembly; servers send their index or error page for addresses they do not know`);
  }
  if (start.startsWith('version https://git-lfs')) {
    throw new EspalierError('not-wasm', `${where}: is a Git LFS pointer, not the file itself; run git lfs pull`);
  }
  const hex = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  throw new EspalierError('not-wasm', `${where}: begins with ${hex}${sent}, but WebAssembly begins with 00 61 73 6d`);
}
