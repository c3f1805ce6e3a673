/** The report as Markdown, which is also what the terminal shows. */
import {
  judge,
  ratioOf,
  roundsOfFigure,
  spreadOf,
  type BarResult,
  type CaseResult,
  type ContenderResult,
  type Report,
  type SuiteResult,
} from './results.js';
import type { Column } from './suite.js';

export function reportMarkdown(report: Report, command: string): string {
  const parts = report.suites.map((result) =>
    [
      `## ${result.title}`,
      `\`${command} -- ${result.name}\`, ${result.date.slice(0, 10)}: ${result.rounds} interleaved rounds of ` +
        `${result.windowMs / 1_000} s against ${result.origin}; ${result.machine}.`,
      result.method,
      `![${result.title}](${result.name}.svg)`,
      resultTables(result),
      absentLines(result).join('\n'),
      judge(result)
        .map((bar) => `- ${barLine(bar)}`)
        .join('\n'),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  );
  return [
    `# Benchmark report, Node ${report.node}`,
    'Medians of the rounds, with what they varied between. A ratio is the median of the ratios of single rounds, ours ÷ ' +
      'theirs: absolute figures belong to one machine on one day. CPU is that of the measured process alone.',
    missedSummary(report),
    ...parts,
  ]
    .join('\n\n')
    .concat('\n');
}

/** What is missed comes first: it should not have to be looked for. */
function missedSummary({ suites }: Report): string {
  const bars = suites.flatMap((result) => judge(result).map((bar) => ({ name: result.name, bar })));
  const missed = bars.filter(({ bar }) => !bar.isMet);
  const head = `Bars: ${bars.length - missed.length} met, ${missed.length} missed.`;
  return [head, ...missed.map(({ name, bar }) => `- \`${name}\`: ${barLine(bar)}`)].join('\n');
}

export function absentLines({ absent = {} }: SuiteResult): string[] {
  return Object.values(absent).map((reason) => `Not measured: ${reason}`);
}

export function barLine({ bar, value, isMet }: BarResult): string {
  const limit = bar.atMost === undefined ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost}`;
  const said = value === undefined ? 'not measured' : number(value, value < 10 ? 3 : 1);
  return `${isMet ? 'met' : '**MISSED**'}: ${bar.text}: ${said} (bar ${limit})`;
}

export function resultTables(result: SuiteResult): string {
  return result.cases
    .filter(({ contenders }) => contenders.length > 0)
    .map((one) => caseTable(result, one))
    .join('\n\n');
}

export function caseTable(
  { columns, headline }: SuiteResult,
  { name, contenders }: CaseResult,
): string {
  const ours = contenders[0]?.rounds ?? [];
  const header = [name, ...columns.map(({ heading }) => heading), 'ours ÷ theirs'];
  const rows = contenders.map((contender, index) => [
    contender.label,
    ...columns.map((column) => cell(contender, column, column.figure === headline.figure)),
    index === 0 ? '' : ratioText(ours, contender, headline.figure),
  ]);
  return table(header, rows);
}

function cell(
  { rounds }: ContenderResult,
  { figure, digits }: Column,
  withSpread: boolean,
): string {
  const values = roundsOfFigure(rounds, figure);
  if (values.length === 0) return '–';
  const { median, min, max } = spreadOf(values);
  const spread = withSpread ? ` (${number(min, digits)}…${number(max, digits)})` : '';
  return number(median, digits) + spread;
}

function ratioText(
  ours: CaseResult['contenders'][number]['rounds'],
  { rounds }: ContenderResult,
  figure: string,
): string {
  const ratio = ratioOf(ours, rounds, figure);
  if (ratio === undefined || !Number.isFinite(ratio.median)) return '–';
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}…${ratio.max.toFixed(2)})`;
}

/** With a thin space between thousands, as the text around it has. */
function number(value: number, digits: number): string {
  const [whole = '', rest] = value.toFixed(digits).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return rest === undefined ? grouped : `${grouped}.${rest}`;
}

/** Padded, so that it reads as well where nothing renders it. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) =>
    Math.max(3, ...[header, ...rows].map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}
