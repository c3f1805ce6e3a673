/**
 * The news that the app has begun to stop, for what would go on for ever: a signal for the app, and one for
 * each request that asks. A request's own goes with the request, and the listeners on it with it; on one signal
 * for all, each stream of server-sent events would leave its listener behind.
 */
import { setMaxListeners } from 'node:events';
import { HotaruError } from '../errors.js';

export class Draining {
  readonly #app = new AbortController();
  readonly #requests = new Set<AbortController>();
  #closesConnections = false;

  constructor() {
    setMaxListeners(0, this.#app.signal);
  }

  /** The app's. */
  get signal(): AbortSignal {
    return this.#app.signal;
  }

  get hasBegun(): boolean {
    return this.#app.signal.aborted;
  }

  /** Nothing is accepted any more: responses say `Connection: close`. */
  get closesConnections(): boolean {
    return this.#closesConnections;
  }

  /** For one request; to be forgotten when the request is over. */
  forRequest(): AbortController {
    const controller = new AbortController();
    if (this.hasBegun) controller.abort(this.#app.signal.reason);
    else this.#requests.add(controller);
    return controller;
  }

  forget(controller: AbortController): void {
    this.#requests.delete(controller);
  }

  closeConnections(): void {
    this.#closesConnections = true;
    this.begin();
  }

  begin(): void {
    if (this.hasBegun) return;
    const reason = new HotaruError('HOTARU_DRAINING', 'the app is stopping');
    this.#app.abort(reason);
    for (const controller of this.#requests) controller.abort(reason);
    this.#requests.clear();
  }
}
