import { ABI_VERSION, featuresOf, readDescriptor } from './descriptor.js';
import { checkEngine, checkWebAssembly } from './engine.js';
import { EspalierError } from './error.js';
import { Kernel } from './kernel.js';
import { Heap } from './memory.js';
import { Network } from './network.js';
import { readSource } from './source.js';

export { ABI_VERSION };

class Library {
  #kernels;
  #networks;
  #heap;

  constructor(where, descriptor, exports) {
    this.#heap = new Heap(exports.memory, exports.__heap_base.value);
    this.#kernels = new Map(descriptor.kernels.map((k) => [k.name, new Kernel(k, exports, this.#heap)]));
    this.#networks = new Map((descriptor.networks ?? []).map((n) => [n.name, new Network(n, exports, this.#heap)]));
    this.features = Object.freeze([...descriptor.features]);
    this.where = where;
    this.memory = exports.memory;
    Object.freeze(this);
  }

  get kernelNames() {
    return [...this.#kernels.keys()];
  }
  kernel(name) {
    const kernel = this.#kernels.get(name);
    if (kernel) return kernel;
    const names = this.kernelNames;
    const some = names.length > 8 ? `${names.slice(0, 8).join(', ')}, ... (${names.length} in all)` : names.join(', ');
    throw new EspalierError('no-kernel', `${this.where}: has no kernel '${name}'; it has ${some || 'none'}`);
  }
  get networkNames() {
    return [...this.#networks.keys()];
  }
  network(name = this.networkNames[0]) {
    const network = this.#networks.get(name);
    if (network) return network;
    throw new EspalierError('no-network',
      `${this.where}: has no network '${name}'; it has ${this.networkNames.join(', ') || 'none'}`);
  }
  allocate(length) {
    return this.#heap.allocate(length);
  }
  free(array) {
    this.#heap.free(array);
  }
}

export async function load(source) {
  checkWebAssembly(typeof source === 'string' ? source : 'module');
  const { where, bytes, module: ready } = await readSource(source);
  const module = ready ?? await compile(where, bytes);
  const descriptor = readDescriptor(where, module);
  checkEngine(where, descriptor.features);
  const { exports } = await instantiate(where, module);
  checkExports(where, descriptor, exports);
  return new Library(where, descriptor, exports);
}

async function compile(where, bytes) {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    if (/content security policy/i.test(cause.message)) {
      throw new EspalierError('refused', `${where}: the page's Content-Security-Policy forbids WebAssembly; `
        + "allow 'wasm-unsafe-eval' in script-src", cause);
    }
    checkEngine(where, featuresOf(bytes));
    throw new EspalierError('refused',
      `${where}: the engine refuses it: ${cause.message}; the file may be cut short or damaged`, cause);
  }
}

async function instantiate(where, module) {
  try {
    return await WebAssembly.instantiate(module, {});
  } catch (cause) {
    throw new EspalierError('refused', `${where}: cannot be instantiated: ${cause.message}`, cause);
  }
}

function checkExports(where, { kernels, networks = [] }, exports) {
  const wanted = ['memory', '__heap_base', ...kernels.flatMap((k) => [k.name, `${k.name}.items`]),
    ...networks.flatMap((n) => [`${n.name}.run`, `${n.name}.step`])];
  const missing = wanted.find((name) => !(name in exports));
  if (missing) throw new EspalierError('bad-descriptor', `${where}: does not export ${missing}, which its description implies`);
}
