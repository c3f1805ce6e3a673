/** `results/node-20/`: report.json, which has everything, and what is drawn from it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SUITES } from '../suites/index.js';
import { chart } from './chart.js';
import { reportMarkdown } from './markdown.js';
import type { Report, SuiteResult } from './results.js';

const MAJOR = process.versions.node.split('.')[0] ?? '';
const COMMAND = 'npm run bench';

/** The report of this Node version, in a folder of results. */
export class ReportFolder {
  readonly #folder: string;

  constructor(results: string) {
    this.#folder = path.join(results, `node-${MAJOR}`);
  }

  /** Without a suite where there is none yet. */
  async read(): Promise<Report> {
    try {
      return JSON.parse(await readFile(this.#file('report.json'), 'utf8')) as Report;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return { node: process.versions.node, suites: [] };
    }
  }

  /** Puts a result in its place among those that are there, and draws them anew. */
  async add(result: SuiteResult): Promise<void> {
    const { suites } = await this.read();
    const others = suites.filter(({ name }) => name !== result.name);
    await this.write({
      node: process.versions.node,
      suites: [...others, result].sort((a, b) => SUITES.indexOf(a.name) - SUITES.indexOf(b.name)),
    });
  }

  async write(report: Report): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(this.#file('report.json'), toJson(report));
    await writeFile(this.#file('report.md'), reportMarkdown(report, COMMAND));
    for (const result of report.suites)
      await writeFile(this.#file(`${result.name}.svg`), chart(result));
  }

  #file(name: string): string {
    return path.join(this.#folder, name);
  }
}

/** Four digits are more than any of them deserves. */
function toJson(report: Report): string {
  const short = JSON.stringify(
    report,
    (_key, value: unknown) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
    1,
  );
  return `${short}\n`;
}
