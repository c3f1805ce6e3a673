/** The parts of an app that serve a request, as `Services`. */
import type { ConnectionPool } from '@hotaru/client';
import type { DependencyContainer } from 'tsyringe';
import type { CheckedAppOptions } from './app-options.js';
import { Background } from './background.js';
import type { AppContainer, RequestContainer } from './di/container.js';
import { Draining } from './inbound/draining.js';
import type { CorrelationSettings } from './log/correlation.js';
import { withErrorFacts, type Logger } from './log/logger.js';
import { RequestLog } from './log/request-log.js';
import type { Services } from './services.js';

export class AppServices implements Services {
  readonly app: Services['app'];
  readonly log: Logger;
  readonly isDevelopment: boolean;
  readonly hasDiagnostics: boolean;
  readonly requests: RequestLog;
  readonly correlation: CorrelationSettings;
  readonly draining = new Draining();
  readonly background = new Background();
  readonly #container: AppContainer;

  constructor(
    app: Services['app'],
    container: AppContainer,
    options: Pick<CheckedAppOptions, 'hasAccessLog' | 'hasDiagnostics' | 'correlation'>,
  ) {
    this.app = app;
    this.log = withErrorFacts(app.log);
    this.requests = new RequestLog(app.log, options.hasAccessLog);
    this.correlation = options.correlation;
    this.isDevelopment = app.mode === 'development';
    this.hasDiagnostics = options.hasDiagnostics;
    this.#container = container;
  }

  get pool(): ConnectionPool {
    return this.app.pool;
  }

  requestContainer(bindContext: (container: DependencyContainer) => void): RequestContainer {
    return this.#container.requestContainer(bindContext);
  }
}
