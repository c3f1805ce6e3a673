/**
 * The app's part of tsyringe: which container an app has, what is in it, and the scope of a request.
 *
 * tsyringe keeps `ContainerScoped` instances where the class was registered: for a class decorated with
 * `@scoped` that is the global container, whose instances every request would share, unless the container
 * below copied the registration when it was made. Classes decorated later are not copied. So `scoped` here
 * keeps a list, and an app registers what is on it with itself before it makes the scope of a request.
 */
import {
  container as globalContainer,
  Lifecycle,
  scoped as tsyringeScoped,
  type DependencyContainer,
  type InjectionToken,
} from 'tsyringe';
import { ConnectionPool } from '@hotaru/client';
import type { Logger } from '../logger.js';

/** Inject the app's logger with `@inject(LOGGER)`: an interface is no token. */
export const LOGGER: InjectionToken<Logger> = Symbol.for('hotaru.logger');

// The same types as tsyringe's: a class is whatever can be constructed.
type Class = new (...args: never[]) => unknown;
const scopedClasses: { readonly type: Class; readonly token: InjectionToken<unknown> }[] = [];

/**
 * tsyringe's `@scoped`. With `Lifecycle.ContainerScoped` there is one instance per request (in
 * `ctx.resolve()`, and for controllers).
 */
export function scoped(
  lifecycle: Lifecycle.ContainerScoped | Lifecycle.ResolutionScoped,
  token?: InjectionToken<unknown>,
): (target: Class) => void {
  return (target) => {
    tsyringeScoped(lifecycle, token as string)(target);
    if (lifecycle === Lifecycle.ContainerScoped)
      scopedClasses.push({ type: target, token: token ?? target });
  };
}

/** What tsyringe 4.10 has inside. */
interface InsideContainer {
  getRegistration?(token: object): { options: { lifecycle: Lifecycle } } | null | undefined;
}

/** An app's container: the one it was given, or a child of the global one. */
export class AppContainer {
  readonly container: DependencyContainer;
  #known = 0;

  constructor(given: DependencyContainer | undefined) {
    this.container = given ?? globalContainer.createChildContainer();
  }

  /** @param pool asked each time: the global one may be configured later. */
  provide(pool: () => ConnectionPool, log: Logger): void {
    this.container.register(ConnectionPool, { useFactory: pool });
    this.container.registerInstance(LOGGER, log);
  }

  requestContainer(): DependencyContainer {
    for (; this.#known < scopedClasses.length; this.#known++) {
      const entry = scopedClasses[this.#known];
      if (entry === undefined || this.container.isRegistered(entry.token)) continue;
      this.container.register(
        entry.token,
        { useClass: entry.type },
        { lifecycle: Lifecycle.ContainerScoped },
      );
    }
    return this.container.createChildContainer();
  }

  /** Is there one instance of the class per request? */
  isPerRequest(type: object): boolean {
    if (scopedClasses.some((entry) => entry.type === type)) return true;
    // tsyringe has no public way to ask. Without this one, such a class would be resolved once.
    const inside = this.container as unknown as InsideContainer;
    return inside.getRegistration?.(type)?.options.lifecycle === Lifecycle.ContainerScoped;
  }
}
