// Results as Markdown.
import { LOOPS } from './yardstick.mjs';

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

/** Of times: those of a yardstick by the kernel's. */
export function speedup(result, kernel, loop) {
  const { time } = result.yardsticks.find((y) => y.isa === kernel.isa && y.loop === loop);
  return time.median / kernel.time.median;
}
/** The same for the faster of them. */
export function leastSpeedup(result, kernel) {
  return Math.min(...LOOPS.map((loop) => speedup(result, kernel, loop)));
}

const rate = (layer, time) => 2e-6 * layer.nonzeros * layer.pixels / time.median;
const zeros = ({ rows, columns, nonzeros }) => (100 * (1 - nonzeros / (rows * columns))).toFixed(1);
const short = (schedule) => schedule.replace(/,chunk=.*/, '');
const layoutOf = (kernel) => (kernel.panel ? 'panels' : 'CHW');

/** Kernels that were compiled with the first schedule asked for: what a user gets. */
function chosen(result, cpu, layout) {
  return result.kernels.find((k) => k.cpu === cpu && layoutOf(k) === layout);
}

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}
function table(head, numbers, rows) {
  const line = head.map((_, i) => (i < head.length - numbers ? '---' : '---:'));
  return [row(head), `|${line.join('|')}|`, ...rows.map(row), ''].join('\n');
}

function cells(result, cpu) {
  const { layer } = result, image = chosen(result, cpu, 'CHW'), panels = chosen(result, cpu, 'panels');
  const of = (k) => [rate(layer, k.time).toFixed(1), leastSpeedup(result, k).toFixed(2)];
  return [layer.name, `${layer.rows}x${layer.columns}`, layer.pixels, zeros(layer), `\`${short(image.schedule)}\``,
    `${panels.panel}: \`${short(panels.schedule)}\``,
    ...result.yardsticks.filter((y) => y.isa === image.isa).map((y) => rate(layer, y.time).toFixed(1)),
    ...of(image), ...of(panels)];
}

function layerTable(results, cpu) {
  return table(['layer', 'shape', 'pixels', '% zeros', 'CHW', 'panels', ...LOOPS, 'CHW', 'x', 'panels', 'x'],
    LOOPS.length + 4,
    results.map((r) => cells(r, cpu)));
}

function meanCell(members, cpu, layout, ratio) {
  const values = members.map((r) => ratio(r, chosen(r, cpu, layout)));
  return `${geometricMean(values).toFixed(2)} (${Math.min(...values).toFixed(2)})`;
}
/** Geometric mean and least of the speed-ups of each group of layers, over each yardstick and over the faster. */
function meanTable(results, cpus) {
  const groups = [...new Set(results.map((r) => r.layer.group)), 'all'];
  const ratios = [...LOOPS.map((loop) => [loop, (r, k) => speedup(r, k, loop)]), ['the faster', leastSpeedup]];
  const rows = groups.flatMap((group) => {
    const members = results.filter((r) => group === 'all' || r.layer.group === group);
    return ratios.map(([loop, ratio]) => [group, members.length, loop,
      ...cpus.flatMap((cpu) => ['CHW', 'panels'].map((layout) => meanCell(members, cpu, layout, ratio)))]);
  });
  const head = ['mean (least)', 'layers', 'over', ...cpus.flatMap((cpu) => [`${cpu}, CHW`, `${cpu}, panels`])];
  return table(head, head.length - 3, rows);
}

/** Where several schedules ran: the fastest, and what the first one loses to it. */
function sweepTable(results, cpus) {
  const rows = results.flatMap((r) => cpus.flatMap((cpu) => ['CHW', 'panels'].map((layout) => {
    const kernels = r.kernels.filter((k) => k.cpu === cpu && layoutOf(k) === layout);
    const sorted = [...kernels].sort((a, b) => a.time.median - b.time.median);
    const text = (k) => `${k.panel || 'CHW'}: \`${short(k.schedule)}\` ${rate(r.layer, k.time).toFixed(1)}`;
    const list = sorted.slice(0, 3).map(text);
    return [r.layer.name, cpu, layoutOf(kernels[0]), text(kernels[0]),
      list.join(', '),
      (100 * (kernels[0].time.median / sorted[0].time.median - 1)).toFixed(1)];
  })));
  return table(['layer', 'CPU', 'layout', 'chosen, GFLOP/s', 'fastest three', '% lost'], 1, rows);
}

export function markdown({ engine, source, cpus, results }) {
  const names = cpus.map((c) => c.name);
  const swept = results.some((r) => r.kernels.length > 2 * cpus.length);
  const parts = [`${source}; ${engine}; GFLOP/s, and speed
relative to the faster yardstick (plain, pipelined) in the same instruction set.\n`];
  for (const { name, isa } of cpus) parts.push(`CPU ${name} (${isa}):\n\n${layerTable(results, name)}`);
  parts.push(meanTable(results, names));
  if (swept) parts.push(sweepTable(results, names));
  return parts.join('\n');
}
