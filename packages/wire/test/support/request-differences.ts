/** Where our request reader and llhttp come to different ends over the same bytes. */
import type { LlhttpRequest, Observed } from './llhttp.js';
import type { ReadRequest, RequestsRead } from './request-reading.js';

export type RequestAspect =
  /** One of us refuses what is a request for the other. */
  | 'we refuse'
  | 'they refuse'
  /** Both have a request, and it is not the same. */
  | 'method'
  | 'target'
  | 'version'
  | 'fields'
  | 'body'
  | 'trailers'
  /** Only one of us would read another request. */
  | 'only we reuse'
  | 'only they reuse'
  /** Only one of us goes on with another protocol. */
  | 'switch'
  /** One of us has a request more, and neither refuses anything. */
  | 'count';

export interface RequestDifference {
  readonly aspect: RequestAspect;
  /** Which request of the connection, from 0. */
  readonly index: number;
  /** Our reason, or ''. */
  readonly ourReason: string;
  /** Node's error code, or ''. */
  readonly theirCode: string;
  /** The two values. */
  readonly detail: string;
}

/** The first one: whatever comes after it is a consequence. */
export function differenceOf(ours: RequestsRead, theirs: Observed): RequestDifference | undefined {
  const ourReason = ours.status === 0 ? '' : ours.outcome;
  const theirRequests = theirs.requests.filter(({ isWhole }) => isWhole);
  const found = (aspect: RequestAspect, index: number, detail = ''): RequestDifference => ({
    aspect,
    index,
    ourReason,
    theirCode: theirs.refused,
    detail,
  });
  for (let index = 0; ; index += 1) {
    const our = ours.requests[index];
    const their = theirRequests[index];
    if (our === undefined && their === undefined) {
      if (ourReason !== '' && theirs.refused === '') return found('we refuse', index);
      if (ourReason === '' && theirs.refused !== '') return found('they refuse', index);
      return undefined;
    }
    const head = our ?? ours.open;
    if (their?.isSwitch === true && head !== undefined && switches(head)) {
      const [aspect, detail] = unlikeness(head, { ...their, body: head.body }) ?? [];
      return aspect === undefined ? undefined : found(aspect, index, detail);
    }
    if (our === undefined) return found(ourReason === '' ? 'count' : 'we refuse', index);
    if (their === undefined) return found(theirs.refused === '' ? 'count' : 'they refuse', index);
    const unlike = unlikeness(our, their);
    if (unlike !== undefined) return found(unlike[0], index, unlike[1]);
    if (their.isSwitch || switches(our)) return found('switch', index);
    if (our.mayReuse !== their.mayReuse)
      return found(our.mayReuse ? 'only we reuse' : 'only they reuse', index);
    if (!our.mayReuse) return undefined; // what follows belongs to neither
  }
}

type Head = Omit<ReadRequest, 'end'>;

/** Both hand over the connection with the head; whether a body comes first is for the owner of our reader. */
function switches(our: Head): boolean {
  return our.form === 'authority' || our.upgrade !== '';
}

function unlikeness(our: Head, their: LlhttpRequest): [RequestAspect, string] | undefined {
  const values: [RequestAspect, unknown, unknown][] = [
    ['method', our.method, their.method],
    ['target', our.target, their.target],
    ['version', `1.${our.minorVersion}`, their.version],
    ['fields', our.fields, their.fields],
    ['body', our.body, their.body],
    ['trailers', their.isSwitch ? [] : our.trailers, their.trailers],
  ];
  for (const [aspect, a, b] of values)
    if (JSON.stringify(a) !== JSON.stringify(b))
      return [aspect, `${JSON.stringify(a)} / ${JSON.stringify(b)}`];
  return undefined;
}
