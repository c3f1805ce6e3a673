/** Reads requests as a server would: one after another, until one switches the protocol, says close, or is wrong. */
import {
  fieldsOf,
  RequestReader,
  statusOf,
  WireError,
  type BodyTaker,
  type FieldSection,
  type RequestEvents,
  type RequestHead,
  type WireReason,
} from '../../src/index.js';
import { LIMITS } from './limits.js';

export class ReadRequest implements RequestEvents, BodyTaker {
  head: RequestHead | undefined = undefined;
  hasBody = false;
  body = '';
  trailers: [string, string][] = [];
  isDone = false;
  mayReuse = false;

  constructor(readonly onStart: (request: ReadRequest) => void) {}

  onHead(head: RequestHead, hasBody: boolean): BodyTaker {
    if (this.head !== undefined) throw new Error('two heads');
    this.onStart(this);
    this.head = head;
    this.hasBody = hasBody;
    return this;
  }

  take(bytes: Buffer, start: number, end: number): undefined {
    if (this.head === undefined || this.isDone || start >= end) throw new Error('a stray piece');
    this.body += bytes.toString('latin1', start, end);
  }

  onDone(trailers: FieldSection | undefined, mayReuse: boolean): void {
    if (this.head === undefined || this.isDone) throw new Error('a stray end');
    this.isDone = true;
    this.mayReuse = mayReuse;
    if (trailers !== undefined) this.trailers = [...fieldsOf(trailers)];
  }

  get fields(): [string, string][] {
    return this.head === undefined ? [] : [...fieldsOf(this.head)];
  }
}

export interface RequestsRead {
  readonly requests: ReadRequest[];
  /** What came after the last request, if no other may follow. */
  readonly rest: string;
  readonly error: WireError | undefined;
  readonly reason: WireReason | undefined;
  readonly status: number | undefined;
}

/** The pieces are copied: the data of chunks is moved within them. */
export function readRequests(
  pieces: readonly Buffer[],
  ending: 'open' | 'end' = 'open',
  reader = new RequestReader(LIMITS),
): RequestsRead {
  const requests: ReadRequest[] = [];
  let rest = '';
  let current = expectNext();
  let isOver = false;

  function expectNext(): ReadRequest {
    const next = new ReadRequest((request) => requests.push(request));
    reader.expect(next);
    return next;
  }

  function feed(piece: Buffer): void {
    let bytes = Buffer.from(piece);
    while (bytes.length > 0 && !isOver) {
      const used = reader.feed(bytes);
      if (!current.isDone && used < bytes.length) throw new Error('bytes left in a request');
      bytes = bytes.subarray(used);
      if (!current.isDone) continue;
      const { method, upgrade } = current.head as RequestHead;
      isOver = method === 'CONNECT' || upgrade !== '' || !current.mayReuse;
      if (!isOver) current = expectNext();
    }
    if (isOver) rest += bytes.toString('latin1');
  }

  try {
    for (const piece of pieces) feed(piece);
    if (ending === 'end') reader.end(true);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { requests, rest, error, reason: error.reason, status: statusOf(error) };
  }
  return { requests, rest, error: undefined, reason: undefined, status: undefined };
}
