/** What the parts that serve a request need of the app: an interface, so that they do not need the `App`. */
import type { ConnectionPool } from '@hotaru/client';
import type { DependencyContainer } from 'tsyringe';
import type { Background } from './background.js';
import type { RequestContainer } from './di/container.js';
import type { Draining } from './inbound/draining.js';
import type { CorrelationSettings } from './log/correlation.js';
import type { Logger } from './log/logger.js';
import type { RequestLog } from './log/request-log.js';

/** Its `app`, which is `ctx.app`, is added to it by app.ts, so that nothing below imports `App`. */
export interface Services {
  readonly pool: ConnectionPool;
  readonly log: Logger;
  /** The requests of the app, for its log. */
  readonly requests: RequestLog;
  /** What it does with request ids and traces. */
  readonly correlation: CorrelationSettings;
  readonly isDevelopment: boolean;
  /** Is the line of each outbound call recorded? See node-env.ts. */
  readonly hasDiagnostics: boolean;
  /** Told when the app begins to stop, and when responses are to say `Connection: close`. */
  readonly draining: Draining;
  /** What goes on after its request; an app that stops waits for it. */
  readonly background: Background;
  /** A container for one request. */
  requestContainer(bindContext: (container: DependencyContainer) => void): RequestContainer;
}
