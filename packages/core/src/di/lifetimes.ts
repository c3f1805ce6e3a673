/**
 * Who may be given whom: nothing may hold what lives shorter than itself.
 *
 *     process   a singleton that was registered above the app's container
 *       app     singletons of the app, controllers that all requests share; pool, logger, App
 *         request   HttpContext, classes with Lifecycle.ContainerScoped
 *
 * A class made anew each time lives as long as what it is given to. What factories give is not known here.
 */
import { Lifecycle } from 'tsyringe';
import { HotaruError } from '../errors.js';
import { HttpContext } from '../http/context.js';
import { COMPILER_REMEDY, isPerRequest, isSingleton } from './decorators.js';
import {
  parametersOf,
  undelayed,
  type Class,
  type Inside,
  type Parameter,
  type Registration,
  type Token,
} from './inside.js';

type Lifetime = 'process' | 'app' | 'request';
const LENGTH = { process: 0, app: 1, request: 2 } as const;
const SAID = {
  process: 'is shared by all apps of the process',
  app: 'lives as long as the app',
  request: 'is made for each request',
} as const;

interface Holder {
  readonly name: string;
  readonly lifetime: Lifetime;
}

/** What was looked at, by the lifetime of what holds it. */
type Seen = Map<Token | Registration, Set<Lifetime | undefined>>;

/** How a token is provided, as far as it is known. */
interface Provided {
  readonly name: string;
  /** undefined: as long as what it is given to. */
  readonly lifetime: Lifetime | undefined;
  readonly type: Class | undefined;
  /** By what it is known that it was looked at. */
  readonly key: Token | Registration;
}

export class Lifetimes {
  readonly #inside: Inside;
  /** Tokens that the app itself registers. */
  readonly #ownTokens: ReadonlySet<Token>;

  constructor(inside: Inside, ownTokens: ReadonlySet<Token>) {
    this.#inside = inside;
    this.#ownTokens = ownTokens;
  }

  /** @throws HotaruError `HOTARU_INVALID_INJECTION` that names both, for a token that can be resolved. */
  check(token: Token): void {
    this.#visit({ token, isList: false }, undefined, [], new Map());
  }

  /**
   * For a controller that all requests share, which is made for the app whatever its registration says.
   *
   * @throws as `check()`; and when nothing is known of its parameters.
   */
  checkShared(type: Class): void {
    this.#visitParameters(type, { name: type.name, lifetime: 'app' }, [type.name], new Map());
  }

  #visit(
    { token, isList }: Parameter,
    holder: Holder | undefined,
    path: readonly string[],
    seen: Seen,
  ): void {
    if (token === undefined) return;
    for (const provided of isList ? this.#allProvided(token) : [this.#provided(token)])
      this.#look(provided, holder, path, seen);
  }

  #look(
    { name, lifetime, type, key }: Provided,
    holder: Holder | undefined,
    path: readonly string[],
    seen: Seen,
  ): void {
    if (
      holder !== undefined &&
      lifetime !== undefined &&
      LENGTH[lifetime] > LENGTH[holder.lifetime]
    )
      throw captive(holder, { name, lifetime }, [...path, name]);
    if (type === undefined) return;
    const holders = seen.get(key) ?? new Set();
    if (holders.has(holder?.lifetime)) return;
    seen.set(key, holders.add(holder?.lifetime));
    // What lives for a request may hold anything.
    const next =
      lifetime === 'request' ? undefined : lifetime === undefined ? holder : { name, lifetime };
    this.#visitParameters(type, next, lifetime === undefined ? [...path, name] : [name], seen);
  }

  #visitParameters(
    type: Class,
    holder: Holder | undefined,
    path: readonly string[],
    seen: Seen,
  ): void {
    for (const parameter of parametersOf(type) ?? []) this.#visit(parameter, holder, path, seen);
  }

  #provided(given: Token): Provided {
    const token = undelayed(given);
    const name = nameOf(token);
    if (token === HttpContext) return { name, lifetime: 'request', type: undefined, key: token };
    const registration = this.#inside.getRegistration(token);
    if (registration === null || registration === undefined) {
      const type = isClass(token) ? token : undefined;
      return { name, lifetime: undefined, type, key: token };
    }
    return this.#providedBy(registration, token);
  }

  /** As `@injectAll()` gives it. */
  #allProvided(given: Token): Provided[] {
    const token = undelayed(given);
    const all = this.#inside.getAllRegistrations(token) ?? [];
    if (all.length === 0) return [this.#provided(token)];
    return all.map((registration) => this.#providedBy(registration, token));
  }

  #providedBy(registration: Registration, token: Token): Provided {
    const name = nameOf(token);
    if (this.#ownTokens.has(token)) return { name, lifetime: 'app', type: undefined, key: token };
    const { provider, options } = registration;
    if (provider.useToken !== undefined) return this.#provided(provider.useToken);
    const type = provider.useClass;
    if (type === undefined) return { name, lifetime: undefined, type, key: registration };
    const found = { name: type.name, type, key: registration };
    if (options.lifecycle === Lifecycle.ContainerScoped || isPerRequest(type))
      return { ...found, lifetime: 'request' };
    if (options.lifecycle !== Lifecycle.Singleton) return { ...found, lifetime: undefined };
    const isOwn = isSingleton(type) || this.#inside.isRegistered(token);
    return { ...found, lifetime: isOwn ? 'app' : 'process' };
  }
}

/** @throws HotaruError `HOTARU_INVALID_INJECTION` when the container cannot know what the class is given. */
export function checkMetadata(type: Class): void {
  const parameters = parametersOf(type);
  if (parameters === undefined || (parameters.length === 0 && type.length > 0)) {
    const hasTypes = Reflect.hasMetadata('design:paramtypes', type);
    throw new HotaruError(
      'HOTARU_INVALID_INJECTION',
      hasTypes
        ? `${type.name} has ${count(type.length)}, and is not decorated with @injectable()`
        : `${type.name} has ${count(type.length)}, and the compiler left no metadata about their types: ${COMPILER_REMEDY}. ` +
            `Without metadata: decorate each with @inject(Token), or app.controller((container) => new ${type.name}(container.resolve(…)))`,
    );
  }
  for (let index = 0; index < Math.max(parameters.length, type.length); index++) {
    const token = parameters[index]?.token;
    if (token !== undefined && !NO_TOKENS.has(token)) continue;
    const which = `parameter ${index + 1} of the constructor of ${type.name}`;
    throw new HotaruError(
      'HOTARU_INVALID_INJECTION',
      // Without metadata only what has @inject() is known.
      Reflect.hasMetadata('design:paramtypes', type)
        ? `${which} names no class (an interface, a union, a primitive, ` +
            'or an import that is circular or only of a type); decorate it with @inject(Token)'
        : `${which} has no @inject(Token), and the compiler left no metadata about its type: ${COMPILER_REMEDY}. ` +
            'Without metadata: decorate each parameter with @inject(Token)',
    );
  }
}

/** What the compiler notes for types that are no classes. */
const NO_TOKENS: ReadonlySet<unknown> = new Set([Object, String, Number, Boolean, Function, Array]);

function count(parameters: number): string {
  return parameters === 1
    ? 'a constructor with 1 parameter'
    : `a constructor with ${parameters} parameters`;
}

function isClass(token: Token): token is Class {
  return typeof token === 'function';
}

function nameOf(token: Token): string {
  if (typeof token === 'function') return token.name;
  return typeof token === 'object' ? 'a delayed class' : String(token);
}

function captive(
  holder: Holder,
  held: { name: string; lifetime: Lifetime },
  path: readonly string[],
): HotaruError {
  const through = path.length > 2 ? ` (through ${path.join(' → ')})` : '';
  const remedy =
    held.lifetime === 'request'
      ? `decorate ${holder.name} with @scoped(Lifecycle.ContainerScoped), or pass ${held.name} to its methods`
      : `decorate ${holder.name} with @singleton(), or register it with app.container`;
  return new HotaruError(
    'HOTARU_INVALID_INJECTION',
    `${holder.name} ${SAID[holder.lifetime]}, and is given ${held.name}, which ${SAID[held.lifetime]}${through}: ` +
      `it would keep the first it gets; ${remedy}`,
  );
}
