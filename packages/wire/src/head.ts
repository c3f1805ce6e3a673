/**
 * What a parsed head says. Fields are kept as the text that came and a list of offsets, in fours: name start, name
 * end, value start, value end. Names and values are cut out when they are asked for.
 */

export interface FieldSection {
  readonly text: string;
  readonly offsets: readonly number[];
}

/** The fields of a head that frame its message. */
export interface Framed extends FieldSection {
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: number;
  /** −1 when there is none. */
  readonly contentLength: number;
  /** Lower case, all fields joined; '' when there is none. */
  readonly transferEncoding: string;
}

export interface ResponseHead extends Framed {
  readonly status: number;
  /** The reason phrase is in `text` too. */
  readonly reasonStart: number;
  readonly reasonEnd: number;
  /** How long the body is by what the head says of it; −1 if its end alone tells. */
  readonly bodyLength: number;
  readonly saysClose: boolean;
  readonly saysKeepAlive: boolean;
  /** The `Keep-Alive` field; '' when there is none. */
  readonly keepAlive: string;
  /** Is there a `Content-Encoding` field? */
  readonly isEncoded: boolean;
}

/** The four forms of a request target (RFC 9112 §3.2). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

export interface RequestHead extends Framed {
  readonly method: string;
  /** As it came. */
  readonly target: string;
  readonly form: TargetForm;
  /** Host and port: of the target where it has them, else of `Host`; '' in HTTP/1.0 without one (RFC 9112 §3.3). */
  readonly authority: string;
  /** May another request follow on this connection (RFC 9112 §9.3)? */
  readonly keepAlive: boolean;
  /** The client waits for 100 before it sends the body (RFC 9110 §10.1.1). */
  readonly expectContinue: boolean;
  /** The protocols that `Upgrade` names, if the connection may be switched (RFC 9110 §7.8); '' when it may not. */
  readonly upgrade: string;
}

/** Names, in lower case, and values, in the order they came. */
export function* fieldsOf(section: FieldSection): IterableIterator<[name: string, value: string]> {
  const { text, offsets } = section;
  for (let i = 0; i < offsets.length; i += 4)
    yield [
      text.slice(offsets[i], offsets[i + 1]).toLowerCase(),
      text.slice(offsets[i + 2], offsets[i + 3]),
    ];
}
