/**
 * Before and after: our contenders of a suite, each next to itself as another checkout has built it, in the
 * same rounds. The peers stay out of it. A contender of the other checkout is named `name@folder`, and is
 * loaded from there with the packages that it finds there.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Bar, Suite } from './suite.js';

/** What a change may cost. */
const AT_MOST = 1.02;
/** The same where more is better: 1 ÷ 1.02. */
const AT_LEAST = 0.981;
const IS_OURS = /^hotaru/;
const CONTENDERS = 'benchmarks/dist/contenders';

/** @throws Error for a folder that holds no built checkout. */
export function checkoutAt(folder: string): string {
  const whole = path.resolve(folder);
  if (!existsSync(path.join(whole, CONTENDERS)))
    throw new Error(
      `${folder} holds no ${CONTENDERS}: it has to be a checkout in which npm run build has run`,
    );
  return whole;
}

/** @throws Error for a suite that has nothing of ours to compare. */
export function against(suite: Suite, checkout: string): Suite {
  if (suite.isOfPart === true)
    throw new Error(
      `${suite.name} measures a part of this checkout alone: --against can't compare it`,
    );
  const ours = suite.contenders.filter((name) => IS_OURS.test(name));
  const { figure, better } = suite.headline;
  const bars = suite.cases.flatMap((name) =>
    ours.map((contender): Bar => ({
      text: `${name}: ${contender}, now ÷ before`,
      value: { figure, case: name, contender },
      over: { figure, case: name, contender: before(contender, checkout) },
      ...(better === 'lower' ? { atMost: AT_MOST } : { atLeast: AT_LEAST }),
    })),
  );
  return {
    ...suite,
    contenders: ours.flatMap((name) => [name, before(name, checkout)]),
    bars,
    open: async (contender, caseName, rig) => {
      const contest = await suite.open(contender, caseName, rig);
      if (contest === undefined || !contender.includes('@')) return contest;
      return { ...contest, label: `before: ${contest.label}` };
    },
  };
}

function before(contender: string, checkout: string): string {
  return `${contender}@${checkout}`;
}

/** Where the compiled file of a contender is: `hotaru`, or `hotaru@/folder/of/a/checkout`. */
export function contenderFile(kind: string, contender: string): string {
  const [name = '', ...folder] = contender.split('@');
  if (folder.length === 0) return new URL(`../contenders/${kind}/${name}.js`, import.meta.url).href;
  return pathToFileURL(path.join(folder.join('@'), CONTENDERS, kind, `${name}.js`)).href;
}
