/**
 * tsyringe's class decorators, with two notes taken: which classes have an instance for each app, and which for
 * each request. tsyringe keeps both where the class was registered, which is the global container: app B
 * would get app A's pool, and one request the other's user (container.ts keeps them apart).
 */
import {
  injectable as tsyringeInjectable,
  Lifecycle,
  scoped as tsyringeScoped,
  singleton as tsyringeSingleton,
  type InjectionToken,
} from 'tsyringe';
import { HotaruError } from '../errors.js';
import type { Class } from './inside.js';

const singletons = new WeakSet<Class>();
const perRequest = new WeakSet<Class>();

type ClassDecorator = (target: Class) => void;

/** The class can be made by the container: its constructor is given what its parameters name. */
export function injectable(): ClassDecorator {
  return legacyOnly('injectable', (target) => tsyringeInjectable()(target));
}

/** There is one instance for each app. If it has `[Symbol.asyncDispose]`, `[Symbol.dispose]` or `dispose()`, that is called when the app has drained. */
export function singleton(): ClassDecorator {
  return legacyOnly('singleton', (target) => {
    tsyringeSingleton()(target);
    singletons.add(target);
  });
}

/**
 * With `Lifecycle.ContainerScoped` there is one instance for each request (in `ctx.resolve()`, and for
 * controllers). It is disposed of, as a singleton is, when the request is over.
 */
export function scoped(
  lifecycle: Lifecycle.ContainerScoped | Lifecycle.ResolutionScoped,
  token?: InjectionToken<unknown>,
): ClassDecorator {
  return legacyOnly('scoped', (target) => {
    tsyringeScoped(lifecycle, token as string)(target);
    if (lifecycle === Lifecycle.ContainerScoped) perRequest.add(target);
  });
}

export function isSingleton(type: Class): boolean {
  return singletons.has(type);
}

export function isPerRequest(type: Class): boolean {
  return perRequest.has(type);
}

export const COMPILER_REMEDY =
  'set "experimentalDecorators": true and "emitDecoratorMetadata": true in tsconfig.json, and compile with tsc ' +
  'or load with @oxc-node/core/register; esbuild and tsx emit no metadata';

/** Decorators of the standard (TC39) kind are called with a context object as their second argument. */
export function refuseStandard(name: string, second: unknown): void {
  if (typeof second !== 'object' || second === null || !('kind' in second)) return;
  throw new HotaruError(
    'HOTARU_INVALID_CONTROLLER',
    `@${name} was compiled as a standard (TC39) decorator; Hotaru's are of the kind that TypeScript calls experimental: ` +
      `${COMPILER_REMEDY}. Without decorators: app.get('/path', handler)`,
  );
}

function legacyOnly(name: string, decorate: ClassDecorator): ClassDecorator {
  return (target: Class, ...more: unknown[]) => {
    refuseStandard(name, more[0]);
    decorate(target);
  };
}
