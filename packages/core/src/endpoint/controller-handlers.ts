/** From a controller (a class, an instance, a factory) to handlers, and who makes the instance when. */
import type { DependencyContainer } from 'tsyringe';
import type { AppContainer } from '../di/container.js';
import { HotaruError } from '../errors.js';
import type { HttpContext } from '../http/context.js';
import { controllerRoutes, isController, type ControllerRoute } from './controller.js';
import type { Handler } from './endpoint.js';

/** A decorated class, an instance of one, or a function that makes an instance. */
export type ControllerInput =
  (new (...args: never[]) => object) | ((container: DependencyContainer) => object) | object;

export interface ControllerHandlers {
  readonly routes: readonly (ControllerRoute & { readonly handler: Handler<never> })[];
  /** Makes the instance that all requests share: called at the start, so that it fails there. */
  readonly prepare: (() => void) | undefined;
}

type Class = new (...args: never[]) => object;
type Methods = Record<string | symbol, ((ctx: HttpContext) => ReturnType<Handler>) | undefined>;

/** @throws HotaruError `HOTARU_INVALID_CONTROLLER` */
export function controllerHandlers(input: ControllerInput, app: AppContainer): ControllerHandlers {
  if (isController(input)) return fromClass(input, app);
  if (typeof input !== 'function') return fromInstance(input);
  if (/^class\b/.test(Function.prototype.toString.call(input)))
    throw new HotaruError(
      'HOTARU_INVALID_CONTROLLER',
      `${input.name || 'the class'} has no endpoints; decorate its methods with @get('/path'), …`,
    );
  return fromInstance((input as (container: DependencyContainer) => object)(app.container));
}

function fromInstance(instance: unknown): ControllerHandlers {
  if (typeof instance !== 'object' || instance === null)
    throw new HotaruError(
      'HOTARU_INVALID_CONTROLLER',
      `${typeof instance} is no controller; allowed: a decorated class, an instance of one, or a function that makes one`,
    );
  return {
    routes: handlers(instance.constructor as Class, () => instance),
    prepare: undefined,
  };
}

function fromClass(type: Class, app: AppContainer): ControllerHandlers {
  app.checkController(type);
  if (app.isPerRequest(type)) {
    const token = type as new (...args: unknown[]) => object;
    return {
      routes: handlers(type, (ctx) => ctx.resolve(token)),
      // What was registered meanwhile counts, too.
      prepare: () => {
        app.checkController(type);
        app.checkRegistered(type);
      },
    };
  }
  let instance: object | undefined;
  const shared = (): object => {
    if (instance === undefined) {
      app.checkController(type);
      app.checkRegistered(type);
      instance = app.share(type);
    }
    return instance;
  };
  return { routes: handlers(type, shared), prepare: () => void shared() };
}

function handlers(
  type: Class,
  instanceFor: (ctx: HttpContext) => object,
): ControllerHandlers['routes'] {
  return controllerRoutes(type).map((route) => {
    if (typeof (type.prototype as Methods)[route.property] !== 'function')
      throw new HotaruError(
        'HOTARU_INVALID_CONTROLLER',
        `${type.name}.${String(route.property)} is no method; only methods can be endpoints`,
      );
    const handler = (ctx: HttpContext): ReturnType<Handler> =>
      (instanceFor(ctx) as Methods)[route.property]?.(ctx);
    return { ...route, handler: handler as Handler<never> };
  });
}
