// node table.mjs HOST.json AARCH64.json WASM.json COUNT: one table out of what `espalier run --json` wrote. Exit status 1
// if there are not COUNT sparse layers, one is missing somewhere, or an error is above its bound.
import { readFileSync } from 'node:fs';

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const [host, aarch64, wasm] = process.argv.slice(2, 5).map(read);
const expected = Number(process.argv[5]);
const errorOf = (rows, name) => rows.find((row) => row.name === name)?.error;

const text = (value) => ({ text: value, left: true });
const number = (value, digits = 0) => ({ text: value === undefined ? 'missing' : value.toFixed(digits) });

const heads = ['layer', 'shape', 'pixels', 'non-zeros', 'zeros', 'code bytes', 'compile ms',
  'error host', 'error AArch64', 'error WASM', 'GFLOP/s host'];
const zeros = (row) => 1 - row.nonzeros / (row.output_channels * row.input_channels);
const lines = host.map((row) => [
  text(row.name), text(`${row.output_channels}x${row.input_channels}`), number(row.pixels), number(row.nonzeros),
  text(`${(100 * zeros(row)).toFixed(1)} %`.padStart(6)), number(row.code_bytes), number(row.compile_ms, 2), number(row.error, 3),
  number(errorOf(aarch64, row.name), 3), number(errorOf(wasm, row.name), 3), number(row.gflops, 1)]);

const total = (key) => host.reduce((sum, row) => sum + row[key], 0);
const milliseconds = (row) => (row.gflops > 0 ? 2 * row.nonzeros * row.pixels / row.gflops * 1e-6 : 0);
const flops = host.reduce((sum, row) => sum + 2 * row.nonzeros * row.pixels, 0);
const time = host.reduce((sum, row) => sum + milliseconds(row), 0);
const worst = (rows) => Math.max(...rows.map((row) => row.error));
const sparse = host.filter((row) => zeros(row) > 0.5).length;
const dense = host.length - sparse;
lines.push([text(`${sparse} sparse layers${dense ? `, ${dense} dense` : ''}`), text(''), text(''),
  number(total('nonzeros')), text(''), number(total('code_bytes')), number(total('compile_ms'), 2),
  number(worst(host), 3), number(worst(aarch64), 3), number(worst(wasm), 3), number(time > 0 ? flops / time * 1e-6 : 0, 1)]);

const widths = heads.map((head, i) => Math.max(head.length, ...lines.map((line) => line[i].text.length)));
const pad = ({ text: value, left }, i) => (left ? value.padEnd(widths[i]) : value.padStart(widths[i]));
const print = (cells) => console.log(cells.map(pad).join('  ').trimEnd());
print(heads.map((head, i) => ({ text: head, left: i < 2 })));
for (const line of lines.slice(0, -1)) print(line);
console.log('-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)));
print(lines.at(-1));
console.log('error: largest |y - reference| in units of its bound, 4 ulp x sqrt(terms of the row) x sum |w x|; 1 passes');

const good = (row) => [row.error, errorOf(aarch64, row.name), errorOf(wasm, row.name)].every((error) => error <= 1);
const bad = host.filter((row) => !good(row));
for (const row of bad) console.log(`WRONG: ${row.name}`);
if (sparse !== expected) console.log(`WRONG: ${sparse} sparse layers, but there must be ${expected}`);
process.exitCode = bad.length || sparse !== expected ? 1 : 0;
