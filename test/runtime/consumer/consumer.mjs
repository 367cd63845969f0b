// A program somewhere else that uses the installed npm package.
import { load, EspalierError, ABI_VERSION } from 'espalier';

const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const error = await load(empty).then(() => null, (e) => e);
process.exit(ABI_VERSION > 0 && error instanceof EspalierError ? 0 : 1);
