/**
 * Controllers: classes whose methods are endpoints. The decorators only take notes; `controllerRoutes` reads
 * them. No metadata is needed for that, so it works with every compiler that knows legacy decorators.
 */
import { refuseStandard } from '../di/decorators.js';
import { HotaruError } from '../errors.js';
import type { HttpContext } from '../http/context.js';
import { checkKeys } from '../options.js';
import type { AnyParams, ParamsOf } from '../routing/param-types.js';
import { ANY_METHOD } from '../routing/router.js';
import { checkEndpointMethods, type EndpointOptions } from './endpoint.js';

interface RouteNote {
  readonly method: string | symbol;
  readonly pattern: string;
  readonly methods: readonly string[];
  readonly options: EndpointOptions;
}

interface ControllerNote {
  readonly prefix: string;
  readonly options: EndpointOptions;
}

/** A route of a controller, with its prefix and options laid over the controller's. */
export interface ControllerRoute {
  readonly property: string | symbol;
  readonly pattern: string;
  readonly methods: readonly string[];
  readonly options: EndpointOptions;
}

const controllers = new WeakMap<object, ControllerNote>();
const routes = new WeakMap<object, RouteNote[]>();

type ClassDecorator = (target: abstract new (...args: never[]) => unknown) => void;
type AnyMethod = (...args: never[]) => unknown;
/** On a method `(ctx) => …` whose `ctx` has the params of the pattern; others may come from the prefix. */
type RouteDecorator<Params extends object = AnyParams> = <Method extends AnyMethod>(
  target: object,
  property: string | symbol,
  descriptor?: TypedPropertyDescriptor<Method> & Fits<Method, Params>,
) => void;

/** `unknown`, which adds nothing, or what no method is: the compiler's error then shows the params. */
type Fits<Method extends AnyMethod, Params extends object> =
  Parameters<Method> extends [infer Context, ...unknown[]]
    ? Context extends HttpContext<infer Own>
      ? string extends keyof Own | keyof Params
        ? unknown
        : Pick<Params, keyof Own & keyof Params> extends Pick<Own, keyof Own & keyof Params>
          ? unknown
          : { theParamsOfThePatternAre: Params }
      : { theMethodIsGiven: HttpContext<Params> }
    : unknown;

/**
 * The class is a controller; its patterns start with `prefix`, its options hold for its methods unless they
 * have their own.
 *
 * @example
 * @injectable()
 * @controller('/users')
 * class UserRoutes {
 *   constructor(private readonly pool: ConnectionPool) {}
 *   @get('/<int:id>') one(ctx: HttpContext<{ id: number }>) { return { id: ctx.param('id') }; }
 * }
 * app.controller(UserRoutes);
 */
export function controller(prefix = '', options: EndpointOptions = {}): ClassDecorator {
  checkKeys('controller', options, ['middleware', 'safety']);
  if (prefix !== '' && (!prefix.startsWith('/') || prefix.endsWith('/')))
    throw new HotaruError(
      'HOTARU_INVALID_OPTION',
      `the prefix of a controller is ${JSON.stringify(prefix)}; allowed: '' or a pattern that starts with "/" and does not end with one`,
    );
  return (target, ...more: unknown[]) => {
    refuseStandard('controller', more[0]);
    controllers.set(target, { prefix, options });
  };
}

/** The method is an endpoint for these HTTP methods. */
export function endpoint<const Pattern extends string>(
  pattern: Pattern,
  options: EndpointOptions & { methods?: readonly string[] | undefined } = {},
): RouteDecorator<ParamsOf<Pattern>> {
  const { methods = ['GET'], ...rest } = options;
  return note(pattern, checkEndpointMethods(methods), rest);
}

function note(
  pattern: string,
  methods: readonly string[],
  options: EndpointOptions,
): RouteDecorator {
  checkKeys('endpoint', options, ['middleware', 'safety']);
  return (target, property) => {
    refuseStandard('get, @post and the like', property);
    const notes = routes.get(target) ?? [];
    notes.push({ method: property, pattern, methods, options });
    routes.set(target, notes);
  };
}

type ForMethod = <const Pattern extends string = ''>(
  pattern?: Pattern,
  options?: EndpointOptions,
) => RouteDecorator<ParamsOf<Pattern>>;

function forMethod(...methods: string[]): ForMethod {
  return (pattern, options = {}) => note(pattern ?? '', methods, options);
}

export const get = forMethod('GET');
export const post = forMethod('POST');
export const put = forMethod('PUT');
export const patch = forMethod('PATCH');
export const del = forMethod('DELETE');
export const head = forMethod('HEAD');
export const options = forMethod('OPTIONS');
export const any = forMethod(ANY_METHOD);

/** Is it a class that has notes, or a base class that has? */
export function isController(type: unknown): type is new (...args: never[]) => object {
  return (
    typeof type === 'function' && (controllers.has(type) || routesOf(prototypeOf(type)).length > 0)
  );
}

/** @throws HotaruError `HOTARU_INVALID_CONTROLLER` when there is nothing to register. */
export function controllerRoutes(type: new (...args: never[]) => object): ControllerRoute[] {
  const own = controllerNote(type);
  const found = routesOf(prototypeOf(type));
  if (found.length === 0)
    throw new HotaruError(
      'HOTARU_INVALID_CONTROLLER',
      `${type.name || 'the class'} has no endpoints; decorate its methods with @get('/path'), …`,
    );
  return found.flatMap((note) => {
    const options = { ...own.options, ...note.options };
    return joined(own.prefix, note, found).map((route) => ({
      ...route,
      property: note.method,
      options,
    }));
  });
}

/** `/users` and `list` are `/users/list`; `/` below a prefix is the prefix itself, with and without the slash. */
function joined(
  prefix: string,
  { pattern, methods }: RouteNote,
  all: readonly RouteNote[],
): { pattern: string; methods: readonly string[] }[] {
  const slash = pattern === '' || pattern.startsWith('/') ? '' : '/';
  const whole = { pattern: prefix + slash + pattern || '/', methods };
  if (pattern !== '/' || prefix === '') return [whole];
  // A method of the controller that says '' means the prefix itself, too, and comes first.
  const bare = all.filter((other) => other.pattern === '').flatMap((other) => other.methods);
  const free = methods.filter((method) => !bare.includes(method));
  return free.length === 0 ? [whole] : [whole, { pattern: prefix, methods: free }];
}

function prototypeOf(type: object): unknown {
  return (type as { prototype?: unknown }).prototype;
}

function controllerNote(type: object): ControllerNote {
  for (let at: unknown = type; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const found = controllers.get(at);
    if (found !== undefined) return found;
  }
  return { prefix: '', options: {} };
}

/** Base classes first; a method that is decorated again replaces the base's. */
function routesOf(prototype: unknown): RouteNote[] {
  const chain: RouteNote[][] = [];
  for (let at = prototype; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at))
    chain.unshift(routes.get(at) ?? []);
  return chain.flatMap((notes, level) =>
    notes.filter(
      (note) =>
        !chain
          .slice(level + 1)
          .some((later) => later.some((other) => other.method === note.method)),
    ),
  );
}
