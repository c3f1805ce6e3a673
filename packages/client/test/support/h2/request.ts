/** One request as an origin read it from a stream; its body grows while it comes. */
import type { Field } from './hpack.js';

export class H2Request {
  /** Which connection it came on, counted from 0. */
  readonly connection: number;
  readonly streamId: number;
  /** As they were sent, pseudo-fields too, in order. */
  readonly fields: readonly Field[];
  /** Without pseudo-fields, but for `host`, which is `:authority` here; fields of one name joined with `, `, those of `cookie` with `; ` (RFC 9113 §8.2.3). */
  readonly headers: Readonly<Record<string, string>>;
  /** The same as they were sent. */
  readonly rawHeaders: readonly Field[];
  trailers: readonly Field[] = [];
  /** Its END_STREAM has come. */
  complete = false;
  /** Credit for its stream is given back as its body comes. */
  givesCredit = true;
  /** Of its body, not given back yet. */
  owedBytes = 0;
  /** The code of the client's RST_STREAM, once it came. */
  resetCode: number | undefined;
  readonly #pieces: Buffer[] = [];
  #bodyBytes = 0;

  constructor(connection: number, streamId: number, fields: readonly Field[]) {
    this.connection = connection;
    this.streamId = streamId;
    this.fields = fields;
    this.rawHeaders = fields.filter(([name]) => !name.startsWith(':'));
    this.headers = { ...joined(this.rawHeaders), host: this.authority };
  }

  get method(): string {
    return this.#pseudo(':method');
  }
  /** `:path`. */
  get target(): string {
    return this.#pseudo(':path');
  }
  get authority(): string {
    return this.#pseudo(':authority');
  }
  get scheme(): string {
    return this.#pseudo(':scheme');
  }
  get bodyBytes(): number {
    return this.#bodyBytes;
  }
  /** What has come of the body. */
  get body(): Buffer {
    return Buffer.concat(this.#pieces);
  }
  /** The same as UTF-8. */
  text(): string {
    return this.body.toString();
  }

  /** For the connection: a piece of the body. `isKept`: else it is only counted. */
  push(piece: Buffer, isKept: boolean): void {
    this.#bodyBytes += piece.length;
    if (isKept) this.#pieces.push(piece);
  }

  #pseudo(name: string): string {
    return this.fields.find(([key]) => key === name)?.[1] ?? '';
  }
}

function joined(fields: readonly Field[]): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, value] of fields) {
    const before = headers[name];
    const separator = name === 'cookie' ? '; ' : ', ';
    headers[name] = before === undefined ? value : before + separator + value;
  }
  return headers;
}
