// Results as Markdown.
import { LOOPS } from './yardstick.mjs';

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

/** The faster of the loops in an instruction set. */
function yardstick(result, isa) {
  const loops = result.yardsticks.filter((y) => y.isa === isa);
  return loops.reduce((a, b) => (b.time.median < a.time.median ? b : a));
}
/** Of times: the faster yardstick's by the kernel's. */
export function speedup(result, kernel) {
  return yardstick(result, kernel.isa).time.median / kernel.time.median;
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
  return [row(head), `|${head.map((_, i) => (i < head.length - numbers ? '---' : '---:')).join('|')}|`, ...rows.map(row)]
    .join('\n') + '\n';
}

function cells(result, cpu) {
  const { layer } = result, image = chosen(result, cpu, 'CHW'), panels = chosen(result, cpu, 'panels');
  const of = (k) => [rate(layer, k.time).toFixed(1), speedup(result, k).toFixed(2)];
  return [layer.name, `${layer.rows}x${layer.columns}`, layer.pixels, zeros(layer), `\`${short(image.schedule)}\``,
    `${panels.panel}: \`${short(panels.schedule)}\``, ...result.yardsticks.filter((y) => y.isa === image.isa).map((y) => rate(layer, y.time).toFixed(1)),
    ...of(image), ...of(panels)];
}

function layerTable(results, cpu) {
  return table(['layer', 'shape', 'pixels', '% zeros', 'CHW', 'panels', ...LOOPS, 'CHW', 'x', 'panels', 'x'],
    LOOPS.length + 4,
    results.map((r) => cells(r, cpu)));
}

/** Geometric mean and least of the speed-ups of each group of layers. */
function meanTable(results, cpus) {
  const groups = [...new Set(results.map((r) => r.layer.group)), 'all'];
  const rows = groups.map((group) => {
    const members = results.filter((r) => group === 'all' || r.layer.group === group);
    return [group, members.length, ...cpus.flatMap((cpu) => ['CHW', 'panels'].map((layout) => {
      const values = members.map((r) => speedup(r, chosen(r, cpu, layout)));
      return `${geometricMean(values).toFixed(2)} (${Math.min(...values).toFixed(2)})`;
    }))];
  });
  const head = ['mean (least)', 'layers', ...cpus.flatMap((cpu) => [`${cpu}, CHW`, `${cpu}, panels`])];
  return table(head, head.length - 1, rows);
}

/** Where several schedules ran: the fastest, and what the first one loses to it. */
function sweepTable(results, cpus) {
  const rows = results.flatMap((r) => cpus.flatMap((cpu) => ['CHW', 'panels'].map((layout) => {
    const kernels = r.kernels.filter((k) => k.cpu === cpu && layoutOf(k) === layout);
    const sorted = [...kernels].sort((a, b) => a.time.median - b.time.median);
    const list = sorted.slice(0, 3).map((k) => `${k.panel || 'CHW'}: \`${short(k.schedule)}\` ${rate(r.layer, k.time).toFixed(1)}`);
    return [r.layer.name, cpu, kernels[0].panel ? `panels of ${kernels[0].panel}` : 'CHW', `\`${short(kernels[0].schedule)}\``,
      rate(r.layer, kernels[0].time).toFixed(1), list.join(', '),
      (100 * (kernels[0].time.median / sorted[0].time.median - 1)).toFixed(1)];
  })));
  return table(['layer', 'CPU', 'layout', 'chosen', 'GFLOP/s', 'fastest three', '% lost'], 1, rows);
}

export function markdown({ engine, source, cpus, results }) {
  const names = cpus.map((c) => c.name);
  const swept = results.some((r) => r.kernels.length > 2 * cpus.length);
  const parts = [`${source}; ${engine}; GFLOP/s, and speed relative to the faster
yardstick (plain, pipelined) in the same instruction set.\n`];
  for (const { name, isa } of cpus) parts.push(`CPU ${name} (${isa}):\n\n${layerTable(results, name)}`);
  parts.push(meanTable(results, names));
  if (swept) parts.push(sweepTable(results, names));
  return parts.join('\n');
}
