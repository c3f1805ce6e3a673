import { expect, it } from 'vitest';
import { chart } from './chart.js';
import { barLine, reportMarkdown } from './markdown.js';
import { summaryPage } from './summary.js';
import { judge, ratioOf, type SuiteResult } from './results.js';
import type { Bar } from './suite.js';

const cpu = { figure: 'cpuUs', case: 'c = 1' };

function resultOf(bars: readonly Bar[], ours: number[], theirs: number[]): SuiteResult {
  const rounds = (values: number[]) => values.map((cpuUs) => ({ cpuUs }));
  return {
    name: 'client-h1',
    title: 'A < B & "C"',
    method: 'By hand.',
    columns: [{ figure: 'cpuUs', heading: 'CPU µs/request', digits: 1 }],
    headline: { figure: 'cpuUs', better: 'lower' },
    bars,
    date: '2026-11-21T10:00:00.000Z',
    machine: 'a test',
    origin: 'none',
    rounds: ours.length,
    windowMs: 1_000,
    cases: [
      {
        name: 'c = 1',
        contenders: [
          { name: 'hotaru', label: 'ours', rounds: rounds(ours) },
          { name: 'peer', label: 'theirs', rounds: rounds(theirs) },
        ],
      },
    ],
  };
}

const half: Bar = {
  text: 'half of it',
  value: cpu,
  over: { ...cpu, contender: 'peer' },
  atMost: 0.5,
};

it('a ratio is the median of the rounds, so that a slow moment of the machine slows both', () => {
  const rounds = (values: number[]) => values.map((cpuUs) => ({ cpuUs }));
  // In the second round everything took ten times as long.
  expect(ratioOf(rounds([1, 10, 1]), rounds([2, 20, 4]), 'cpuUs')?.median).toBe(0.5);
  expect(ratioOf(rounds([1]), rounds([2]), 'p50Ms')).toBeUndefined();
});

it('a contender that is not on the machine is named, and its bars are no missed ones', () => {
  const bars = [half, { ...half, over: { ...cpu, contender: 'go' } }];
  const here = resultOf(bars, [1], [2]);
  expect(judge(here).map(({ isMet }) => isMet)).toEqual([true, false]);
  const elsewhere = { ...here, absent: { go: 'Go, because there is none' } };
  expect(judge(elsewhere).map(({ isMet }) => isMet)).toEqual([true]);
  expect(reportMarkdown({ node: '20', suites: [elsewhere] }, 'x')).toContain(
    'Not measured: Go, because there is none\n',
  );
});

it('a bar is met up to its limit and missed above it', () => {
  expect(judge(resultOf([half], [1, 1, 1], [2, 2, 2]))[0]).toMatchObject({
    value: 0.5,
    isMet: true,
  });
  expect(judge(resultOf([half], [1.1, 1.1, 1.1], [2, 2, 2]))[0]?.isMet).toBe(false);
  const atLeast: Bar = { text: 'three', value: cpu, atLeast: 3 };
  expect(judge(resultOf([atLeast], [3], [1]))[0]?.isMet).toBe(true);
  expect(judge(resultOf([atLeast], [2.9], [1]))[0]?.isMet).toBe(false);
});

it('a bar whose contender was not measured is missed, and says so', () => {
  const bar: Bar = { ...half, over: { ...cpu, contender: 'none' } };
  const [result] = judge(resultOf([bar], [1], [2]));
  expect(result).toMatchObject({ value: undefined, isMet: false });
  expect(result && barLine(result)).toContain('MISSED**: half of it: not measured');
});

it('a bar in floors compares multiples of what the floor needs', () => {
  const result = resultOf(
    [{ text: 'flat', value: cpu, over: { ...cpu, case: 'c = 9' }, inFloors: 'peer', atMost: 1 }],
    [30],
    [10],
  );
  const [one] = result.cases;
  const second = { ...one, name: 'c = 9', contenders: resultOf([], [6], [2]).cases[0]!.contenders };
  expect(judge({ ...result, cases: [one!, second] })[0]).toMatchObject({ value: 1, isMet: true });
});

it('the report begins with what is missed, and the README with what the peers do better', () => {
  const report = { node: '20.0.0', suites: [resultOf([half], [3, 3, 3], [2, 2, 2])] };
  const markdown = reportMarkdown(report, 'npm run bench');
  expect(markdown).toContain(
    'Bars: 0 met, 1 missed.\n- `client-h1`: **MISSED**: half of it: 1.500',
  );
  expect(summaryPage(report)).toContain('`client-h1`, c = 1: theirs, ours ÷ theirs 1.50');
  const better = { node: '20.0.0', suites: [resultOf([half], [1, 1, 1], [2, 2, 2])] };
  expect(summaryPage(better)).toContain('Every bar is met.');
  expect(summaryPage(better)).toContain('No peer is ahead');
});

it('a chart is well-formed whatever a title says', () => {
  const svg = chart(resultOf([], [1, 2], [3, 4]));
  expect(svg).toContain('A &lt; B &amp; &quot;C&quot;');
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(svg.match(/<rect class="ours"/g)).toHaveLength(1);
});
