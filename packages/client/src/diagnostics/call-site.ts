/** The line of the user's code that made a call: the first frame outside this project's packages. */
import { fileURLToPath } from 'node:url';

/** Where the packages lie side by side: `node_modules/@hotaru/`, or `packages/` of this repository. */
const HOME = fileURLToPath(new URL('../../../', import.meta.url));
const OWN = ['client/src/', 'client/dist/', 'core/src/', 'core/dist/'].map(
  (folder) => HOME + folder,
);

export function callSiteOf(error: Error): string | undefined {
  const frames = (error.stack ?? '').split('\n').slice(1);
  return frames
    .find((frame) => !isOwn(frame))
    ?.trim()
    .replace(/^at /, '');
}

function isOwn(frame: string): boolean {
  return (
    frame.includes('(<anonymous>)') ||
    frame.includes('node:internal') ||
    OWN.some((folder) => frame.includes(folder))
  );
}
