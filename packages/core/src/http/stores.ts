/** Where middleware leaves things for those further in: `ctx.params` by class, `ctx.locals` by name. */

/** A class, as a key. */
// Constructors differ in what they take; only what they make counts here.
export type Type<Value> = abstract new (...args: never[]) => Value;

/**
 * Values by class, so that a reader needs no cast and two packages never meet at one name.
 *
 * @example
 * ctx.params.set(new CurrentUser('ada'));
 * ctx.params.get(CurrentUser)?.name; // 'ada'
 */
export class TypedStore {
  readonly #values = new Map<unknown, unknown>();

  /** Under the value's own class, or under the one given: a base class, say. */
  set(value: object): this;
  set<Value extends object>(type: Type<Value>, value: Value): this;
  set(typeOrValue: object, value?: object): this {
    if (value === undefined) this.#values.set(typeOrValue.constructor, typeOrValue);
    else this.#values.set(typeOrValue, value);
    return this;
  }

  get<Value extends object>(type: Type<Value>): Value | undefined {
    return this.#values.get(type) as Value | undefined;
  }

  has(type: Type<object>): boolean {
    return this.#values.has(type);
  }

  /** Gets the value and removes it. */
  take<Value extends object>(type: Type<Value>): Value | undefined {
    const value = this.get(type);
    this.#values.delete(type);
    return value;
  }
}

/** Values by name. The type that `get` is given is not checked. */
export class LocalStore {
  readonly #values = new Map<string, unknown>();

  set(name: string, value: unknown): this {
    this.#values.set(name, value);
    return this;
  }

  // The caller names the type: the store cannot know it.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  get<Value = unknown>(name: string): Value | undefined {
    return this.#values.get(name) as Value | undefined;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Gets the value and removes it. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  take<Value = unknown>(name: string): Value | undefined {
    const value = this.get<Value>(name);
    this.#values.delete(name);
    return value;
  }
}
