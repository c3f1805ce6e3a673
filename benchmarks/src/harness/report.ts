/** `results/node-20/`: report.json, which has everything, and what is drawn from it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SUITES } from '../suites/index.js';
import { chart } from './chart.js';
import { reportMarkdown } from './markdown.js';
import type { Report, SuiteResult } from './results.js';

const MAJOR = process.versions.node.split('.')[0] ?? '';
const FOLDER = fileURLToPath(new URL(`../../results/node-${MAJOR}/`, import.meta.url));
const COMMAND = 'npm run bench';

/** Puts the result in its place among those that are there, and draws the report anew. */
export async function addToReport(result: SuiteResult): Promise<void> {
  const { suites } = await readReport();
  const others = suites.filter(({ name }) => name !== result.name);
  const report: Report = {
    node: process.versions.node,
    suites: [...others, result].sort((a, b) => SUITES.indexOf(a.name) - SUITES.indexOf(b.name)),
  };
  await mkdir(FOLDER, { recursive: true });
  await writeFile(`${FOLDER}report.json`, toJson(report));
  await writeFile(`${FOLDER}report.md`, reportMarkdown(report, COMMAND));
  await writeFile(`${FOLDER}${result.name}.svg`, chart(result));
}

async function readReport(): Promise<Report> {
  try {
    return JSON.parse(await readFile(`${FOLDER}report.json`, 'utf8')) as Report;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { node: process.versions.node, suites: [] };
  }
}

/** Four digits are more than any of them deserves; each round on a line of its own. */
function toJson(report: Report): string {
  const short = JSON.stringify(
    report,
    (_key, value: unknown) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
    1,
  );
  return `${short}\n`;
}
