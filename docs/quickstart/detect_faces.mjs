// detect_faces.mjs FACE.wasm INPUT.f32 WIDTH HEIGHT: the same network under Node, on what detect_faces.c has written.
// Prints the best face: score, left, top, right, bottom (pixels).
import { readFile } from 'node:fs/promises';
import { load } from '../../runtime/js/index.js';

const [module, inputFile, width, height] = process.argv.slice(2);
const side = 192, cells = 48, values = 16; // as in detect_faces.c
const network = (await load(module)).network();
const bytes = await readFile(inputFile);
const [boxes, scores] = network.run(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
const cell = scores.indexOf(Math.max(...scores));
const [dx, dy, w, h] = Array.from(boxes.subarray(cell * values, cell * values + 4), (v) => v / side);
const x = ((cell % cells) + 0.5) / cells + dx;
const y = (Math.floor(cell / cells) + 0.5) / cells + dy;
const corners = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height];
console.log((1 / (1 + Math.exp(-scores[cell]))).toFixed(3), ...corners.map((v) => v.toFixed(0)));
