/**
 * A chart of one suite as SVG: a group of bars for each case, ours in colour, floors in pale grey.
 * Linear from zero; each group has its own scale, and each bar its figure, with a whisker for the spread.
 */
import {
  isFloor,
  ratioOf,
  roundsOfFigure,
  spreadOf,
  type CaseResult,
  type SuiteResult,
} from './results.js';

const WIDTH = 860;
const LABEL_WIDTH = 300;
const FIGURE_WIDTH = 170;
const ROW = 22;
const GROUP_GAP = 34;
const TOP = 64;

export function chart(result: SuiteResult): string {
  const parts: string[] = [];
  let y = TOP;
  for (const one of result.cases) {
    if (one.contenders.length === 0) continue;
    parts.push(text(16, y + 14, one.name, 'case'));
    y += 22;
    parts.push(...group(result, one, y));
    y += one.contenders.length * ROW + GROUP_GAP;
  }
  const height = y - GROUP_GAP + 24;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(result.title)}">
<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2937; }
.title { font-size: 17px; font-weight: 600; } .note, .figure { fill: #6b7280; } .case { font-weight: 600; }
.ours { fill: #b45309; } .theirs { fill: #94a3b8; } .floor { fill: #e2e8f0; } .whisker { stroke: #475569; stroke-width: 1; }
text.mine { font-weight: 600; fill: #92400e; }
</style>
<rect width="${WIDTH}" height="${height}" fill="#ffffff" rx="8"/>
${text(16, 30, result.title, 'title')}
${text(16, 50, noteOf(result), 'note')}
${parts.join('\n')}
</svg>
`;
}

function noteOf({ columns, headline, rounds }: SuiteResult): string {
  const heading = columns.find(({ figure }) => figure === headline.figure)?.heading ?? '';
  const better = headline.better === 'lower' ? 'less' : 'more';
  return `${heading}: ${better} is better; median of ${rounds} interleaved rounds; ×: how many times ours`;
}

function group(
  { headline, columns }: SuiteResult,
  { contenders }: CaseResult,
  top: number,
): string[] {
  const { figure } = headline;
  const digits = columns.find((column) => column.figure === figure)?.digits ?? 0;
  const ours = contenders[0]?.rounds ?? [];
  const rows = contenders.flatMap((contender, index) => {
    const values = roundsOfFigure(contender.rounds, figure);
    return values.length === 0
      ? []
      : [{ contender, isOurs: index === 0, spread: spreadOf(values) }];
  });
  const most = Math.max(...rows.map(({ spread }) => spread.max), Number.MIN_VALUE);
  const scale = (value: number): number =>
    (Math.max(0, value) / most) * (WIDTH - LABEL_WIDTH - FIGURE_WIDTH);
  return rows.map(({ contender, isOurs, spread }, index) => {
    const y = top + index * ROW;
    const kind = isOurs ? 'ours' : isFloor(contender.label) ? 'floor' : 'theirs';
    const ratio = isOurs ? undefined : ratioOf(contender.rounds, ours, figure)?.median;
    const times = ratio === undefined || !Number.isFinite(ratio) ? '' : ` · ${times2(ratio)}×`;
    const middle = y + ROW / 2 - 2;
    return [
      text(16, y + 14, contender.label, isOurs ? 'mine' : 'label'),
      `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y + 2}" width="${scale(spread.median).toFixed(1)}" height="${ROW - 8}" rx="2"/>`,
      `<line class="whisker" x1="${(LABEL_WIDTH + scale(spread.min)).toFixed(1)}" x2="${(LABEL_WIDTH + scale(spread.max)).toFixed(1)}" y1="${middle}" y2="${middle}"/>`,
      text(
        LABEL_WIDTH + scale(spread.max) + 8,
        y + 14,
        spread.median.toFixed(digits) + times,
        'figure',
      ),
    ].join('\n');
  });
}

function times2(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0);
}

function text(x: number, y: number, content: string, kind: string): string {
  return `<text class="${kind}" x="${x.toFixed(0)}" y="${y}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
