/**
 * What Hotaru uses of tsyringe's insides, version 4.10: there is no public way to learn what a class is given,
 * or to decide where an instance is kept. A container of another version is refused by name.
 */
import {
  container as globalContainer,
  type DependencyContainer,
  type InjectionToken,
  type Lifecycle,
} from 'tsyringe';
import { HotaruError } from '../errors.js';

// The same types as tsyringe's: a class is whatever can be constructed.
export type Class = new (...args: never[]) => unknown;
export type Token = InjectionToken<unknown>;

export interface Registration {
  readonly provider: {
    readonly useClass?: Class;
    readonly useToken?: Token;
    readonly useValue?: unknown;
  };
  readonly options: { readonly lifecycle: Lifecycle };
  instance?: unknown;
}

export interface Inside {
  readonly _registry: { entries(): Iterable<[Token, Registration[]]> };
  getRegistration(token: Token): Registration | null | undefined;
  getAllRegistrations(token: Token): readonly Registration[] | undefined;
  isRegistered(token: Token): boolean;
  construct(this: object, type: Class, context: unknown): unknown;
  resolveRegistration(registration: Registration, context: unknown): unknown;
}

/** @throws HotaruError `HOTARU_INVALID_OPTION` for what is no container of this tsyringe. */
export function insideOf(container: DependencyContainer): Inside {
  const inside = container as unknown as Partial<Inside> | undefined;
  if (
    typeof inside?.resolveRegistration !== 'function' ||
    typeof inside.getRegistration !== 'function' ||
    typeof inside.getAllRegistrations !== 'function' ||
    typeof inside.construct !== 'function' ||
    typeof inside._registry?.entries !== 'function'
  )
    throw new HotaruError(
      'HOTARU_INVALID_OPTION',
      "app.container is no container that Hotaru knows; allowed: what container.createChildContainer() of '@hotaru/core' makes",
    );
  return inside as Inside;
}

/** tsyringe's notes about a parameter: a token, or a token with more to it. */
interface TokenDescriptor {
  readonly token: Token;
  readonly multiple?: boolean;
  readonly isOptional?: boolean;
}

/** What a parameter of a constructor is given. */
export interface Parameter {
  /** undefined: its type is no class. */
  readonly token: Token | undefined;
  /** By `@injectAll()`: one of each registration. */
  readonly isList: boolean;
  /** It need not be registered. */
  readonly isOptional?: boolean;
}

class Found extends Error {
  constructor(readonly params: readonly unknown[]) {
    super('the parameters that tsyringe knows');
  }
}

/** What tsyringe gives to the constructor of a class; undefined when it does not know. */
export function parametersOf(type: Class): readonly Parameter[] | undefined {
  const params = type.length === 0 ? fromMetadata(type) : fromTsyringe(type);
  return params?.map((param) => {
    if (typeof param !== 'object' || param === null || !('token' in param))
      return { token: param as Token | undefined, isList: false };
    const { token, multiple = false, isOptional = false } = param as TokenDescriptor;
    return { token, isList: multiple, isOptional };
  });
}

/** The class behind `delay(() => Class)`; the token itself when it is none, or its module is not loaded yet. */
export function undelayed(token: Token): Token {
  if (typeof token !== 'object' || !('wrap' in token)) return token;
  try {
    return (token as unknown as { wrap(): Token | undefined }).wrap() ?? token;
  } catch {
    return token;
  }
}

/** Where all parameters have defaults, tsyringe would go on and make an instance. */
function fromMetadata(type: Class): readonly unknown[] {
  return (Reflect.getMetadata('design:paramtypes', type) as unknown[] | undefined) ?? [];
}

/** Asks tsyringe to construct it, and stops it before the first parameter is resolved. */
function fromTsyringe(type: Class): readonly unknown[] | undefined {
  const probe = {
    resolveParams: () => (_param: unknown, _index: number, all: readonly unknown[]) => {
      throw new Found(all);
    },
  };
  try {
    insideOf(globalContainer).construct.call(probe, type, undefined);
  } catch (error) {
    if (error instanceof Found) return error.params;
  }
  return undefined;
}
