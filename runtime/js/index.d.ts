// Typings of the espalier package. Units: lengths, strides and pixels are elements (fp32), addresses are bytes.

/** Version of the kernel ABI (kernel_abi.h) that this package knows. */
export declare const ABI_VERSION: number;

export type ErrorCode =
  | 'bad-source'       // not a path, URL, Response, bytes or module; a response already read
  | 'not-found'        // no such file, fetch failed, HTTP status
  | 'not-wasm'         // an HTML page, a Git LFS pointer, empty, other bytes
  | 'no-webassembly'   // the engine has none
  | 'no-feature'       // the engine lacks SIMD or relaxed SIMD
  | 'refused'          // the engine or a Content-Security-Policy refuses the module
  | 'no-descriptor'    // a module that Espalier did not make
  | 'bad-descriptor'   // its description is damaged
  | 'abi-mismatch'     // made for another ABI version
  | 'no-kernel'        // no kernel of that name
  | 'no-network'       // no network of that name
  | 'bad-argument'     // wrong pixel count, array, item range
  | 'out-of-memory';   // the module's memory cannot grow

/** Every failure of this package; `message` names file, rule and both values. */
export declare class EspalierError extends Error {
  readonly code: ErrorCode;
}

/** Floats inside a module's memory. */
export interface FloatArray {
  /** Byte address. */
  readonly address: number;
  /** Elements. */
  readonly length: number;
  /** The elements themselves. Take it anew after any allocate() or run(): growth of the memory detaches old views. */
  readonly view: Float32Array;
}

/**
 * Y[m, p] = clamp(bias[m] + sum over k ascending of W[m, k] * X[k, p]).
 *
 * Shapes: X[inputChannels, pixels], row k at k * inputStride; Y[outputChannels, pixels], row m at m * outputStride.
 * With an outputOrder, row m of Y is output channel outputOrder[m].
 * Where inputPanel (outputPanel) is T > 0 the array is pixel panels instead, [ceil(pixels / T)][channels][T]: see pack.
 * Reads and writes exactly the pixels of each row; between panels the padding of the last one may be read and written,
 * whatever it holds. X and Y must not overlap.
 */
export interface Kernel {
  readonly name: string;
  readonly outputChannels: number;
  readonly inputChannels: number;
  readonly nonzeros: number;
  /** The pixel count, or 0 if each call chooses it. */
  readonly pixels: number;
  readonly maxPixels: number;
  readonly inputStride: number;
  readonly outputStride: number;
  /** Pixels of a panel, or 0 for one CHW image. */
  readonly inputPanel: number;
  readonly outputPanel: number;
  /** Pixels of one work item; the last one of a call may have fewer. */
  readonly pixelBlock: number;
  /** What is computed: pixel counts are rounded up to a multiple of this, into the padding of the last panels. */
  readonly pixelMultiple: number;
  /** Row groups; work item i is row group i % groups of pixel block Math.floor(i / groups). */
  readonly groups: number;
  /** Row m of Y is output channel outputOrder[m]; null: channel m (`--output-order` of the compiler). */
  readonly outputOrder: readonly number[] | null;

  /** Elements of X, and of Y, for a call over `pixels` pixels; the argument is needed when `pixels` is 0. */
  inputLength(pixels?: number): number;
  outputLength(pixels?: number): number;
  /** Work items of such a call. */
  items(pixels?: number): number;

  /**
   * Copies x in, runs, copies the pixels out: into `output` if given (what lies between rows or pads panels stays), else
   * into a new array (which holds 0 there).
   */
  run(x: Float32Array, options?: { pixels?: number; output?: Float32Array }): Float32Array;
  /**
   * Copies the pixels of Y to where the natural order has them: row m goes to row outputOrder[m]. Into `output`, which
   * must not share its buffer with y, or into a new array.
   */
  toNaturalOrder(y: Float32Array, options?: { pixels?: number; output?: Float32Array }): Float32Array;
  /** Runs on arrays of library.allocate(), without a copy. */
  runInPlace(x: FloatArray, y: FloatArray, options?: { pixels?: number }): void;
  /** Runs work items [firstItem, lastItem) of such a call: in any order, over several turns of the event loop. */
  runItems(x: FloatArray, y: FloatArray, firstItem: number, lastItem: number, options?: { pixels?: number }): void;
}

/** Shape of an image, and how it is laid out. */
export interface PanelShape {
  channels: number;
  pixels: number;
  /** Pixels of a panel: Kernel.inputPanel, Kernel.outputPanel. */
  panel: number;
  /** Elements from one row of the image to the next; `pixels` if left out. */
  stride?: number;
  /** Where to; a new array if left out. Must not overlap the source. */
  output?: Float32Array;
}

/**
 * Copies a CHW image, element (c, p) at c * stride + p, to panels [ceil(pixels / panel)][channels][panel], that is
 * element (c, p) at floor(p / panel) * channels * panel + c * panel + p % panel. The last panel's padding becomes 0.
 */
export declare function pack(image: Float32Array, shape: PanelShape): Float32Array;
/** The reverse. What lies between the image's rows stays. */
export declare function unpack(panels: Float32Array, shape: PanelShape): Float32Array;

/** An input or output of a network: row-major [n, h, w, c] floats. */
export interface NetworkValue {
  readonly name: string;
  readonly shape: readonly [number, number, number, number];
  /** Bytes from the start of a run's block of memory. */
  readonly offset: number;
}

/** A compiled network (`espalier compile model.tflite --target wasm32`). Holds the memory of a run from the first run on. */
export interface Network {
  readonly name: string;
  readonly inputs: readonly NetworkValue[];
  readonly outputs: readonly NetworkValue[];
  /** Names of the model's layers. */
  readonly layers: readonly string[];
  /** One inference. One array per input (or the only one by itself); into `outputs` if given, else into new arrays. */
  run(inputs: Float32Array | Float32Array[], options?: { outputs?: Float32Array[] }): Float32Array[];
  /** The same, with the time of each layer; slower by a call per layer. */
  profile(inputs: Float32Array | Float32Array[], options?: { clock?: () => number }): {
    outputs: Float32Array[];
    milliseconds: number[];
  };
  /** Gives the memory of runs back; the next run takes it anew. */
  free(): void;
}

export interface Library {
  /** Where the module came from, for messages. */
  readonly where: string;
  readonly kernelNames: string[];
  /** WebAssembly features that the module uses, e.g. 'simd128'. */
  readonly features: readonly string[];
  readonly memory: WebAssembly.Memory;
  kernel(name: string): Kernel;
  readonly networkNames: string[];
  /** A network of the module: by name, or the only one. */
  network(name?: string): Network;
  /** `length` elements of the module's memory, aligned to 64 bytes; not cleared. Grows the memory when it must. */
  allocate(length: number): FloatArray;
  /** Gives an array back. */
  free(array: FloatArray): void;
}

/**
 * Loads a module made by `espalier compile --emit wasm`. In Node a string without a scheme is a path, elsewhere a URL.
 * Checks what it loads: real WebAssembly, made by Espalier, of this ABI version, with features that this engine has.
 * Rejects with an EspalierError.
 */
export declare function load(
  source: string | URL | Response | Promise<Response> | ArrayBuffer | ArrayBufferView | WebAssembly.Module,
): Promise<Library>;
