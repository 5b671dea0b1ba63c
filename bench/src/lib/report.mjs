import { availableParallelism, cpus, loadavg } from 'node:os';

/**
 * What has to be reached: a ratio, or a value in the unit of the figure.
 *
 * @type {ReadonlyMap<string, { readonly ratio: number } | { readonly below: number }>}
 */
const TARGETS = new Map(
  /** @type {[string, { ratio: number } | { below: number }][]} */ ([
    ['verify.single', { ratio: 3.5 }],
    ['call.dpop', { ratio: 1.5 }],
    ['prove.node.warm', { ratio: 1 }],
    ['prove.chromium.warm', { ratio: 1 }],
    ['prove.chromium.cold', { ratio: 1 }],
    ['loop.delay.p99', { below: 20 }],
  ]),
);

/** @param {number} value */
function formatNumber(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

/** @param {import('./result.mjs').Result} result */
function judge({ id, ratio, value }) {
  const target = TARGETS.get(id);
  if (target === undefined) return '';
  const met = 'ratio' in target ? ratio >= target.ratio : value < target.below;
  const text = 'ratio' in target ? `ratio ${target.ratio}` : `below ${target.below}`;
  return `${met ? 'met' : 'NOT MET'} (${text})`;
}

/**
 * The figures as a table.
 *
 * @param {readonly import('./result.mjs').Result[]} results
 * @param {readonly string[]} notes
 */
export function formatReport(results, notes) {
  const rows = results.map((result) => [
    result.id,
    `${formatNumber(result.value)} ${result.unit}`,
    `${formatNumber(result.peerValue)} ${result.unit}`,
    `${result.ratio.toFixed(2)} ±${(50 * result.spread).toFixed(0)}%`,
    judge(result),
    result.peer,
  ]);
  const table = [['id', 'ours', 'peer', 'ratio', 'target', 'the peer'], ...rows];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const load = loadavg()[0]?.toFixed(1);
  return [
    '',
    ...lines,
    '',
    ...notes,
    `Medians; ± is half of the middle half of the rounds' ratios. Above 1 we are ahead.`,
    `Node ${process.versions.node}, ${availableParallelism()} cores, ${cpus()[0]?.model}, load ${load}.`,
  ].join('\n');
}
