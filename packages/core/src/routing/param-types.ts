/**
 * The types of a pattern's params, read from the pattern's text by the compiler:
 * `'/users/<int:id>/<tab>'` → `{ id: number; tab: string }`.
 */

/** What a param can be at run time. */
export type ParamValue = string | number;

/** The params of a pattern known only at run time. */
export type AnyParams = Record<string, ParamValue>;

/**
 * @example
 * type P = ParamsOf<'/users/<int:id>/files/<**path:rest>'>; // { id: number; rest: string }
 */
export type ParamsOf<Pattern extends string> = string extends Pattern
  ? AnyParams
  : Flatten<Collect<Pattern>>;

type Flatten<T> = { [Key in keyof T]: T[Key] };

type Collect<Pattern extends string> = Pattern extends `${string}<${infer Token}>${infer Rest}`
  ? Param<Token> & Collect<Rest>
  : unknown;

type Param<Token extends string> = Token extends '**path'
  ? { path: string }
  : Token extends `${infer Type}:${infer Name}`
    ? Name extends `${string}:${string}`
      ? { [Key in AfterLastColon<Name>]: string } // a regex with a colon in it
      : { [Key in Name]: Type extends 'int' | 'uint' | 'decimal' ? number : string }
    : { [Key in Token]: string };

type AfterLastColon<Text extends string> = Text extends `${string}:${infer Rest}`
  ? AfterLastColon<Rest>
  : Text;
