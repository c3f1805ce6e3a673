/**
 * What ties the log lines of one request together, here and in the services it calls: a request id, and the
 * trace of W3C Trace Context. Made when something asks for it; a request that nothing is said about has none.
 *
 *   id      of the header x-request-id when it is well-formed, else made here; in log lines, in the response,
 *           and in the requests that ctx.sendRequest() sends
 *   trace   of the header traceparent when it is valid (the same trace, a new span for each call sent), else
 *           begun here, as not sampled: whether to record is decided by what records
 */
import { randomBytes } from 'node:crypto';
import type { ScopeFields } from '@hotaru/client';
import { CONSTANTS } from '../constants.js';
import { fieldOf, type RawFields } from '../http/request/headers-view.js';
import { checkBoolean, checkKeys } from '../options.js';

/** The field that carries a request id, in requests and in responses. */
export const REQUEST_ID = 'x-request-id';

/** Which way a request id may go. Each defaults to true. */
export interface RequestIdOptions {
  /** Take the id of the inbound request's `x-request-id`. False: always make one. */
  accept?: boolean | undefined;
  /** Say it in the response. */
  respond?: boolean | undefined;
  /** Send it upstream with the calls of `ctx.sendRequest()`. */
  send?: boolean | undefined;
}

/** What the app does with ids and traces. */
export interface CorrelationSettings {
  readonly acceptsId: boolean;
  readonly logsId: boolean;
  readonly tellsId: boolean;
  readonly sendsId: boolean;
  readonly sendsTrace: boolean;
}

/** @throws HotaruError `HOTARU_INVALID_OPTION` */
export function checkCorrelation(
  requestId: boolean | RequestIdOptions = true,
  traceparent = true,
): CorrelationSettings {
  const sendsTrace = checkBoolean('app.traceparent', traceparent);
  if (typeof requestId === 'boolean')
    return {
      acceptsId: requestId,
      logsId: requestId,
      tellsId: requestId,
      sendsId: requestId,
      sendsTrace,
    };
  checkKeys('app.requestId', requestId, ['accept', 'respond', 'send']);
  const { accept = true, respond = true, send = true } = requestId;
  return {
    acceptsId: checkBoolean('app.requestId.accept', accept),
    logsId: true,
    tellsId: checkBoolean('app.requestId.respond', respond),
    sendsId: checkBoolean('app.requestId.send', send),
    sendsTrace,
  };
}

/** Short enough for a log line, and nothing that would need quoting in one, in a URL or in a shell. */
const REQUEST_ID_FORM = /^[\w.:+/=@~-]{1,128}$/;
/** version, trace-id, parent-id, flags; a later version may add more (W3C Trace Context §3.2). */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
/** Visible ASCII and blanks, as long as vendors must accept (§3.3). */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
const SAMPLED = 1;

/** Different in each process, so that a number is enough for the rest. */
const PROCESS_PREFIX = randomBytes(9).toString('base64url');
let madeCount = 0;

function makeId(): string {
  madeCount += 1;
  return `${PROCESS_PREFIX}-${madeCount.toString(36)}`;
}

interface Trace {
  readonly traceId: string;
  readonly flags: string;
  readonly state: string | undefined;
}

/** Of one request. */
export class Correlation {
  readonly #request: RawFields;
  readonly #settings: CorrelationSettings;
  readonly #mayHaveId: boolean;
  #requestId: string | undefined = undefined;
  #trace: Trace | undefined = undefined;

  /** `mayHaveId`: the request may carry `x-request-id`. */
  constructor(request: RawFields, settings: CorrelationSettings, mayHaveId: boolean) {
    this.#mayHaveId = mayHaveId;
    this.#request = request;
    this.#settings = settings;
  }

  get requestId(): string {
    return (this.#requestId ??= this.#acceptedId() ?? makeId());
  }

  /** What each call made for the request carries. */
  fields(): ScopeFields {
    const fields: [string, string][] = [];
    if (this.#settings.sendsId) fields.push([REQUEST_ID, this.requestId]);
    if (this.#settings.sendsTrace) {
      const { traceId, flags, state } = (this.#trace ??= this.#acceptedTrace() ?? beginTrace());
      fields.push(['traceparent', `00-${traceId}-${hex(8)}-${flags}`]);
      if (state !== undefined) fields.push(['tracestate', state]);
    }
    return fields;
  }

  #acceptedId(): string | undefined {
    if (!this.#settings.acceptsId || !this.#mayHaveId) return undefined;
    const given = fieldOf(this.#request, REQUEST_ID);
    return given !== undefined && REQUEST_ID_FORM.test(given) ? given : undefined;
  }

  #acceptedTrace(): Trace | undefined {
    const parts = TRACEPARENT.exec(fieldOf(this.#request, 'traceparent') ?? '');
    if (parts === null) return undefined;
    const [, version, traceId = '', parentId = '', flags = '00', more] = parts;
    if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
    if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
    // Flags that this version does not know must not be passed on.
    const kept = (Number.parseInt(flags, 16) & SAMPLED) === 0 ? '00' : '01';
    const tracestate = fieldOf(this.#request, 'tracestate');
    const isState = tracestate !== undefined && TRACESTATE.test(tracestate);
    return { traceId, flags: kept, state: isState ? tracestate : undefined };
  }
}

function beginTrace(): Trace {
  return { traceId: hex(16), flags: '00', state: undefined };
}

/** Hexadecimal digits that were not given out yet. */
let randomPool = '';
let randomPoolAt = 0;

/** Never all zeros, which means "none" (§3.2.2.3). No digit is given out twice. */
function hex(bytes: number): string {
  const end = randomPoolAt + bytes * 2;
  if (end > randomPool.length) {
    randomPool = randomBytes(CONSTANTS.randomPoolBytes).toString('hex');
    randomPoolAt = 0;
    return hex(bytes);
  }
  const text = randomPool.slice(randomPoolAt, end);
  randomPoolAt = end;
  return /^0+$/.test(text) ? hex(bytes) : text;
}
