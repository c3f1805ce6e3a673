/**
 * The app's part of tsyringe: which container an app has, what is in it, where instances are kept, and when
 * they are disposed of.
 *
 *     kept by the app      @singleton() classes, singletons registered with its container; made by the app's
 *                          container also when a request asks first, so that nothing of that request is in them
 *     kept by a request    classes with Lifecycle.ContainerScoped
 *
 * What a container has made it disposes of, the last first: for a request when it is over, for the app when it
 * has drained. What was registered as an instance is not disposed of: the app did not make it.
 */
import { ConnectionPool } from '@hotaru/client';
import {
  container as globalContainer,
  Lifecycle,
  type DependencyContainer,
  type InjectionToken,
} from 'tsyringe';
import { HotaruError } from '../errors.js';
import type { Logger } from '../log/logger.js';
import { isPerRequest, isSingleton } from './decorators.js';
import { disposeAll } from './dispose.js';
import { insideOf, type Class, type Inside, type Registration, type Token } from './inside.js';
import { checkMetadata, Lifetimes } from './lifetimes.js';
import { checkRegistered } from './registered.js';

/** Inject the app's logger with `@inject(LOGGER)`: an interface is no token. */
export const LOGGER: InjectionToken<Logger> = Symbol.for('hotaru.logger');

/** In the container of an app. */
const OWNED: InjectionToken<boolean> = Symbol('hotaru.owned');

/** What is made for one request. */
export interface RequestContainer {
  resolve<T>(token: InjectionToken<T>): T;
  /** Disposes of what it has made, the last first. */
  dispose(log: Logger): Promise<void>;
}

/** An app's container: the one it was given, or a child of the global one. */
export class AppContainer {
  readonly container: DependencyContainer;
  readonly #inside: Inside;
  readonly #appToken: InjectionToken<object>;
  readonly #lifetimes: Lifetimes;
  readonly #checked = new Set<Token>();
  /** The app's own of registrations that stand in the global container. */
  readonly #copies = new Map<Registration, Registration>();
  /** In the order in which they were made. */
  readonly #made = new Set<unknown>();

  /** @throws HotaruError `HOTARU_INVALID_OPTION` for what is no container, or that of another app. */
  constructor(given: DependencyContainer | undefined, appToken: InjectionToken<object>) {
    this.container = given ?? globalContainer.createChildContainer();
    this.#inside = insideOf(this.container);
    if (this.#inside.isRegistered(OWNED))
      throw new HotaruError(
        'HOTARU_INVALID_OPTION',
        'app.container is that of another app already; give each app one of its own: container.createChildContainer()',
      );
    this.container.registerInstance(OWNED, true);
    this.#appToken = appToken;
    this.#lifetimes = new Lifetimes(
      this.#inside,
      new Set<Token>([appToken, ConnectionPool, LOGGER]),
    );
    const make = this.#inside.resolveRegistration.bind(this.#inside);
    this.#inside.resolveRegistration = (registration, context) =>
      this.#resolveShared(registration, context, make);
  }

  /** @param pool asked each time: the global one may be configured later. */
  provide(app: object, pool: () => ConnectionPool, log: Logger): void {
    this.container.registerInstance(this.#appToken, app);
    this.container.register(ConnectionPool, { useFactory: pool });
    this.container.registerInstance(LOGGER, log);
  }

  /** @param bindContext registers what is only the request's. */
  requestContainer(bindContext: (container: DependencyContainer) => void): RequestContainer {
    const child = this.container.createChildContainer();
    const inside = insideOf(child);
    const make = inside.resolveRegistration.bind(inside);
    const own = new Map<Registration, Registration>();
    const made: unknown[] = [];
    inside.resolveRegistration = (registration, context) => {
      const { lifecycle } = registration.options;
      if (lifecycle === Lifecycle.Singleton)
        return this.#inside.resolveRegistration(registration, context);
      if (lifecycle !== Lifecycle.ContainerScoped) return make(registration, context);
      const copy = copyOf(own, registration);
      const isNew = copy.instance === undefined;
      const instance = make(copy, context);
      if (isNew) made.push(instance);
      return instance;
    };
    bindContext(child);
    return {
      resolve: (token) => {
        this.check(token);
        return child.resolve(token);
      },
      dispose: (log) => disposeAll(made, log),
    };
  }

  /** Is there one instance of the class per request? */
  isPerRequest(type: Class): boolean {
    if (isPerRequest(type)) return true;
    return this.#inside.getRegistration(type)?.options.lifecycle === Lifecycle.ContainerScoped;
  }

  /** @throws HotaruError `HOTARU_INVALID_INJECTION` when something would be given what lives shorter than it. */
  check(token: Token): void {
    if (this.#checked.has(token)) return;
    this.#lifetimes.check(token);
    this.#checked.add(token);
  }

  /** @throws HotaruError `HOTARU_INVALID_INJECTION`: as `check()`, or there is no metadata about the class. */
  checkController(type: Class): void {
    if (!this.#isProvided(type)) checkMetadata(type);
    if (this.isPerRequest(type)) this.#lifetimes.check(type);
    else this.#lifetimes.checkShared(type);
  }

  /** @throws HotaruError `HOTARU_INVALID_INJECTION` when something that the class is given is not registered. */
  checkRegistered(type: Class): void {
    if (!this.#isProvided(type)) checkRegistered(type, this.#inside);
  }

  /** An instance that all requests share: as a singleton. */
  share(type: Class): object {
    const instance = this.container.resolve(type as new (...args: unknown[]) => object);
    if (!this.#isProvided(type)) this.#made.add(instance);
    return instance;
  }

  /** What the app's container has made, the last first. */
  async dispose(log: Logger): Promise<void> {
    const made = [...this.#made];
    this.#made.clear();
    await disposeAll(made, log);
  }

  /** A registration says how it is made: an instance, a factory, another class or token. */
  #isProvided(type: Class): boolean {
    const provider = this.#inside.getRegistration(type)?.provider;
    return provider !== undefined && provider.useClass !== type;
  }

  #resolveShared(
    registration: Registration,
    context: unknown,
    make: Inside['resolveRegistration'],
  ): unknown {
    const type = registration.provider.useClass;
    if (type === undefined || registration.options.lifecycle !== Lifecycle.Singleton)
      return make(registration, context);
    const isOurs = isSingleton(type);
    const kept = isOurs ? copyOf(this.#copies, registration) : registration;
    if (kept.instance !== undefined) return make(kept, context);
    this.#lifetimes.check(type);
    const instance = make(kept, context);
    if (isOurs || this.#isOwn(registration)) this.#made.add(instance);
    return instance;
  }

  /** Registered with this container, not with one above it. */
  #isOwn(registration: Registration): boolean {
    for (const [, registrations] of this.#inside._registry.entries())
      if (registrations.includes(registration)) return true;
    return false;
  }
}

function copyOf(copies: Map<Registration, Registration>, of: Registration): Registration {
  let copy = copies.get(of);
  if (copy === undefined) {
    copy = { provider: of.provider, options: of.options };
    copies.set(of, copy);
  }
  return copy;
}
