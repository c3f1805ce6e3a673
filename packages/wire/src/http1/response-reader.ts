/** The client's role: 1xx heads, then the final one, which is framed by the method of its request. */
import type { ResponseHead } from '../head.js';
import type { ResponseLimits } from '../limits.js';
import { WireError } from '../wire-error.js';
import { isAmbiguous, isPersistent, responseFraming } from './framing.js';
import { MessageReader, type MessageEvents, type Verdict } from './message-reader.js';
import { ResponseHeadHandler } from './response-head.js';

export interface ResponseEvents extends MessageEvents<ResponseHead> {
  onInformational(head: ResponseHead): void;
}

export class ResponseReader extends MessageReader<ResponseHead, ResponseEvents> {
  readonly #maxInformational: number;
  #method = 'GET';
  #informational = 0;
  /** An informational head said what it may not: where the next response starts is in doubt. */
  #isDoubtful = false;

  constructor(limits: ResponseLimits) {
    super('response', new ResponseHeadHandler(), limits);
    this.#maxInformational = limits.maxInformational;
  }

  /** Makes it ready for the response to a request of `method`. */
  expect(method: string, events: ResponseEvents): void {
    this.#method = method;
    this.#informational = 0;
    this.#isDoubtful = false;
    this.start(events, 0);
  }

  protected override judge(head: ResponseHead): Verdict {
    const { status } = head;
    if (status < 200) {
      this.#judgeInformational(head);
      return 'interim';
    }
    const framing = responseFraming(this.#method, status, head);
    this.mayReuse =
      framing !== 'until-close' &&
      framing !== 'tunnel' &&
      isPersistent(head.minorVersion, head.saysClose, head.saysKeepAlive) &&
      !isAmbiguous(head) &&
      !this.#isDoubtful;
    return framing;
  }

  protected override onInterim(head: ResponseHead): void {
    this.events?.onInformational(head);
  }

  #judgeInformational(head: ResponseHead): void {
    if (head.status === 101)
      throw new WireError('unasked-switch', '101 Switching Protocols was not asked for');
    this.#informational += 1;
    if (this.#informational > this.#maxInformational)
      throw new WireError(
        'too-many-informational',
        `more than ${this.#maxInformational} informational responses`,
      );
    // It has no body whatever it says (RFC 9110 §15.2); a proxy on the way may have read it otherwise.
    if (head.contentLength !== -1 || head.transferEncoding !== '' || head.saysClose)
      this.#isDoubtful = true;
  }
}
