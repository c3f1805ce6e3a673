/** The line of the user's code that made a call: the first frame outside this project's packages. */

const OWN =
  /\(<anonymous>\)|node:internal|@hotaru\/(?:client|core)\/|packages\/(?:client|core)\/(?:src|dist)\//;

export function callSiteOf(error: Error): string | undefined {
  const frames = (error.stack ?? '').split('\n').slice(1);
  return frames
    .find((frame) => !OWN.test(frame))
    ?.trim()
    .replace(/^at /, '');
}
