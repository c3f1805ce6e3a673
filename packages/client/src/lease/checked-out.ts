/**
 * A connection in the hands of a user, for raw bytes: what `get()` and a lease give. It is good for one
 * check-out: once the connection is given back it belongs to the next caller, and this object can no longer
 * read or write, nor, of a lease, reach the socket. What it knows of the connection can still be asked.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { nameOrigin } from '../diagnostics/call-name.js';
import type { ConnectionKey } from '../key/connection-key.js';
import { factsOf, type Connection, type DialTiming } from '../connection/connection.js';
import type { RawChannel } from '../connection/raw/raw-channel.js';
import { RequestError } from '../errors.js';
import { INSPECT, shown, type InspectOptions } from '../diagnostics/inspect.js';

/** Gives the connection of a channel back; the pool's one release path. */
export type EndCheckOut = (channel: RawChannel, isReusable: boolean) => boolean;

export class CheckedOutConnection {
  readonly #connection: Connection;
  readonly #channel: RawChannel;
  readonly #end: EndCheckOut;
  /** The pool it came from. */
  readonly #owner: object;
  readonly #isLeased: boolean;
  #isOver = false;

  /** @internal Made by the pool. */
  constructor(channel: RawChannel, end: EndCheckOut, owner: object, isLeased: boolean) {
    this.#connection = channel.connection;
    this.#channel = channel;
    this.#end = end;
    this.#owner = owner;
    this.#isLeased = isLeased;
  }

  get key(): ConnectionKey {
    return this.#connection.key;
  }
  get id(): number {
    return this.#connection.id;
  }
  /** ms since the epoch. */
  get createdAt(): number {
    return this.#connection.record.createdAt;
  }
  /** ms since the epoch. */
  get lastUsedAt(): number {
    return this.#connection.record.lastUsedAt;
  }
  get requestCount(): number {
    return this.#connection.record.requestCount;
  }
  get remoteAddress(): string | undefined {
    return this.#connection.remoteAddress;
  }
  /** What ALPN settled on, whatever that is; `http/1.1` where nothing was settled. */
  get protocol(): string {
    return this.#channel.protocol ?? this.#connection.protocol;
  }
  /** ms that the parts of its dial took. */
  get dialTiming(): DialTiming {
    return this.#connection.dialTiming;
  }
  /** As its connection, but open only for as long as it is checked out. */
  [INSPECT](depth: number, options: InspectOptions): string {
    const fields = { ...factsOf(this.#connection), isOpen: this.isOpen };
    return shown('CheckedOutConnection', fields, depth, options);
  }

  /** Can it be read and written? False once it was given back. */
  get isOpen(): boolean {
    return !this.#isOver && this.#connection.isOpen;
  }

  /**
   * The socket itself, for options and addresses. Reading goes through `read()`.
   *
   * @throws RequestError `HOTARU_INVALID_STATE` once its lease has ended.
   */
  get socket(): Socket | TLSSocket {
    if (this.#isOver && this.#isLeased) throw this.#givenBack();
    return this.#channel.socket;
  }

  /** The next bytes, or undefined once the peer has finished sending. @throws as `write` */
  read(): Promise<Uint8Array | undefined> {
    return this.#isOver ? Promise.reject(this.#givenBack()) : this.#channel.read();
  }

  /**
   * Resolves when the bytes were handed to the kernel.
   *
   * @throws `HOTARU_CONNECTION_CLOSED`; `HOTARU_INVALID_STATE` once the connection was given back.
   */
  write(bytes: Uint8Array | string): Promise<void> {
    return this.#isOver ? Promise.reject(this.#givenBack()) : this.#channel.write(bytes);
  }

  /** Ends this check-out; true when the connection was kept. The second time it does nothing. */
  static end(checkedOut: CheckedOutConnection, isReusable: boolean): boolean {
    if (checkedOut.#isOver) return false;
    checkedOut.#isOver = true;
    return checkedOut.#end(checkedOut.#channel, isReusable);
  }

  /**
   * For `pool.put()`: this very pool must have given it by `get()`, and not have it back.
   *
   * @throws RequestError `HOTARU_INVALID_STATE` saying which of these does not hold.
   */
  static checkPut(given: unknown, pool: object): CheckedOutConnection {
    if (!(given instanceof CheckedOutConnection))
      throw invalidState('put() takes a connection that get() gave, and this is none');
    const { id } = given;
    if (given.#isLeased)
      throw invalidState(
        `connection ${id} is held by a lease: give it back with release() or discard() of the lease`,
        given.key,
      );
    if (given.#owner !== pool)
      throw invalidState(`connection ${id} is of another pool: put() it back there`, given.key);
    if (given.#isOver) throw given.#givenBack();
    return given;
  }

  #givenBack(): RequestError {
    return invalidState(
      `connection ${this.id} was given back: it is no longer this holder's`,
      this.key,
    );
  }
}

function invalidState(message: string, key?: ConnectionKey): RequestError {
  const error = new RequestError('HOTARU_INVALID_STATE', message);
  if (key !== undefined) nameOrigin(error, 'connection to', key);
  return error;
}
