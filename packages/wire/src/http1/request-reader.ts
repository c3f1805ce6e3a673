/**
 * The server's role: one request after another, also pipelined. `feed` stops where a request ends; the owner calls
 * `expect` and feeds it the rest, or takes the rest over as another protocol after CONNECT or `upgrade`.
 */
import type { RequestHead } from '../head.js';
import type { RequestLimits } from '../limits.js';
import { requestFraming } from './framing.js';
import { MessageReader, type MessageEvents, type Verdict } from './message-reader.js';
import { RequestHeadHandler } from './request-head.js';

export type RequestEvents = MessageEvents<RequestHead>;

export class RequestReader extends MessageReader<RequestHead, RequestEvents> {
  readonly #maxEmptyLines: number;

  constructor(limits: RequestLimits) {
    super('request', new RequestHeadHandler(limits), limits);
    this.#maxEmptyLines = limits.maxEmptyLines;
  }

  /** Makes it ready for the next request. */
  expect(events: RequestEvents): void {
    this.start(events, this.#maxEmptyLines);
  }

  /** As for any message, but between requests every end is a good one: a client owes no other request. */
  override end(isClean: boolean): void {
    if (this.hasStarted) super.end(isClean);
    else this.forget();
  }

  protected override judge(head: RequestHead): Verdict {
    this.mayReuse = head.keepAlive;
    return requestFraming(head.method, head);
  }

  /** No request is informational. */
  protected override onInterim(): void {}
}
