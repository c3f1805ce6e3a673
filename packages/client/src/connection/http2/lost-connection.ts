/** Why a connection has ended, for each of its streams to say in an error of its own. */
import { TransportError } from '../../errors.js';

export class LostConnection extends Error {
  override readonly name = 'LostConnection';

  /** `<what> before it answered<why>` is a sentence. */
  constructor(
    readonly what: string,
    readonly why = '',
    override readonly cause?: Error,
  ) {
    super(what + why);
  }

  /** `when`: how far it had come. */
  asError(when: string): TransportError {
    const { what, why, cause } = this;
    return new TransportError('HOTARU_CONNECTION_CLOSED', `${what} ${when}${why}`, { cause });
  }
}
