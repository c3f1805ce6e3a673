/** All suites, in the order of the report. */
import type { Suite } from '../harness/suite.js';

export const SUITES: readonly string[] = [
  'client-h1',
  'client-tls',
  'client-post',
  'ways-of-calling',
  'bodies',
  'answers',
  'small-chunks',
  'slow-consumer',
  'client-h2',
  'ways-of-calling-h2',
  'answers-h2',
  'small-frames-h2',
  'flood-h2',
  'bodies-h2',
  'slow-consumer-h2',
  'flood',
  'idle-hit',
  'idle-memory',
  'deadlines',
  'sweep',
  'many-hosts',
  'open-connections',
  'many-connections',
  'inbound',
  'inbound-work',
  'gateway',
  'pooling',
];

export async function loadSuite(name: string): Promise<Suite> {
  const module = (await import(`./${name}.js`)) as { default: Suite };
  return module.default;
}
