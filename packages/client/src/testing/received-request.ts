/**
 * One request as an origin saw it. Read strictly (RFC 9112 §3, §5, §6): whatever a client must not
 * send is an error here, so a script that merely reads requests also checks them.
 */
import { isDigits, isFieldText, isTargetText, isToken, trimBlanks } from '@hotaru/wire';
import { TESTING } from './constants.js';
import type { Inbox } from './inbox.js';

/** Where the parts stand; what each may be made of is the grammar's to say. */
const REQUEST_LINE = /^([^ ]+) ([^ ]+) HTTP\/(1\.[01])$/;
const FIELD_LINE = /^([^:]+):(.*)$/s;
const CHUNK_LINE = /^([0-9a-fA-F]{1,8})(?:[ \t]*;(.*))?$/s;

/** A request read by a script; its body grows while it is being read. */
export class ReceivedRequest {
  /** Which connection it came on, counted from 0. */
  readonly connection: number;
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  /** Lower-case names; fields of one name joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values as sent, in order. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** The head, byte for byte, with its empty line. */
  readonly rawHead: Buffer;
  /** Fields after a chunked body, lower-case names. */
  readonly trailers: Record<string, string> = Object.create(null) as Record<string, string>;
  /** The whole body has been read. */
  complete = false;
  private readonly bodyChunks: Buffer[] = [];

  /** @throws Error when the head is none that a client may send. */
  constructor(connection: number, rawHead: Buffer) {
    const [requestLine = '', ...fieldLines] = rawHead.toString('latin1').slice(0, -4).split('\r\n');
    const [, method = '', target = '', version = ''] = REQUEST_LINE.exec(requestLine) ?? [];
    if (!isToken(method) || !isTargetText(target))
      throw new Error(`not a request line: ${JSON.stringify(requestLine)}`);
    this.connection = connection;
    this.method = method;
    this.target = target;
    this.httpVersion = version;
    this.rawHeaders = fieldLines.map(parseField);
    this.headers = joinFields(this.rawHeaders);
    const hosts = this.rawHeaders.filter(([name]) => name.toLowerCase() === 'host').length;
    if (hosts !== 1 && this.httpVersion === '1.1')
      throw new Error(`a request needs one Host field, this one has ${hosts}`);
    this.rawHead = rawHead;
  }

  /** The body's bytes read so far, without chunk framing. */
  get body(): Buffer {
    return Buffer.concat(this.bodyChunks);
  }

  /** The body read so far as UTF-8. */
  text(): string {
    return this.body.toString();
  }

  /** Reads the body from where the head ended. `ScriptedPeer.readBody()` is the way to call it. */
  async readBodyFrom(inbox: Inbox): Promise<void> {
    if (this.complete) return;
    const length = this.headers['content-length'];
    const coding = this.headers['transfer-encoding'];
    if (length !== undefined && coding !== undefined)
      throw new Error('the client sent Content-Length and Transfer-Encoding');
    if (coding !== undefined) await this.readChunks(inbox, coding);
    else if (length !== undefined) await this.readLength(inbox, length);
    this.complete = true;
  }

  private async readLength(inbox: Inbox, length: string): Promise<void> {
    if (!isDigits(length)) throw new Error(`not a Content-Length: ${JSON.stringify(length)}`);
    let left = Number(length);
    while (left > 0) {
      const piece = await inbox.takeSome(left, `reading the last ${left} bytes of a request body`);
      this.bodyChunks.push(piece);
      left -= piece.length;
    }
  }

  private async readChunks(inbox: Inbox, coding: string): Promise<void> {
    if (coding.toLowerCase() !== 'chunked')
      throw new Error(`a request body in an unknown transfer coding: ${JSON.stringify(coding)}`);
    for (;;) {
      const line = await readLine(inbox, 'reading the size of a chunk');
      const size = CHUNK_LINE.exec(line);
      if (size === null || !isFieldText(size[2] ?? ''))
        throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
      const length = Number.parseInt(size[1] ?? '', 16);
      if (length === 0) break;
      this.bodyChunks.push(await inbox.take(length, 'reading a chunk'));
      const end = await inbox.take(2, 'reading the end of a chunk');
      if (end.toString('latin1') !== '\r\n') throw new Error('a chunk is longer than its size');
    }
    for (;;) {
      const line = await readLine(inbox, 'reading trailers');
      if (line === '') return;
      const [name, value] = parseField(line);
      this.trailers[name.toLowerCase()] = value;
    }
  }
}

/** Reads one head. `ScriptedPeer.readHead()` is the way to call it. */
export async function readRequestHead(inbox: Inbox, connection: number): Promise<ReceivedRequest> {
  const head = await inbox.takeUntil('\r\n\r\n', 'reading a request head', TESTING.maxHeadBytes);
  return new ReceivedRequest(connection, head);
}

async function readLine(inbox: Inbox, doing: string): Promise<string> {
  const line = await inbox.takeUntil('\r\n', doing, TESTING.maxHeadBytes);
  return line.toString('latin1').slice(0, -2);
}

function parseField(line: string): readonly [string, string] {
  const [, name = '', value = ''] = FIELD_LINE.exec(line) ?? [];
  if (!isToken(name) || !isFieldText(value))
    throw new Error(`not a header field: ${JSON.stringify(line)}`);
  return [name, trimBlanks(value)];
}

function joinFields(fields: ReceivedRequest['rawHeaders']): Record<string, string> {
  const joined = Object.create(null) as Record<string, string>;
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const before = joined[key];
    joined[key] = before === undefined ? value : `${before}, ${value}`;
  }
  return joined;
}
