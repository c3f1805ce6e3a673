/** A whole request body as text, as JSON, as a form: what its header fields say decides whether it can be read so. */
import type { Exchange } from '../exchange.js';
import { wireError } from '../response/http-error.js';
import { parseForm, type ParsedForm } from './form.js';
import { fieldOf, type RawFields } from './headers-view.js';
import { mediaType } from './safety.js';

type Source = Pick<Exchange, 'inbound' | 'body'>;

export async function textOf(exchange: Source): Promise<string> {
  const { inbound } = exchange;
  refuseCoding(inbound);
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(
    fieldOf(inbound, 'content-type') ?? '',
  )?.[1];
  return decodeText(await exchange.body.bytes(), charset);
}

export async function jsonOf(exchange: Source): Promise<unknown> {
  const { inbound } = exchange;
  refuseCoding(inbound);
  const type = mediaType(fieldOf(inbound, 'content-type'));
  if (type !== '' && type !== 'application/json' && !/^[^/]+\/[^/]+\+json$/.test(type))
    throw wireError('HOTARU_UNSUPPORTED_MEDIA_TYPE', 'JSON is expected here', {
      headers: { accept: 'application/json' },
    });
  const bytes = await exchange.body.bytes();
  try {
    return JSON.parse(decodeText(bytes, undefined));
  } catch (error) {
    // The parser's message quotes the body.
    const detail = bytes.length === 0 ? 'the body is empty' : 'the body is not JSON';
    throw wireError('HOTARU_BAD_JSON', detail, { cause: error });
  }
}

export async function formOf(exchange: Source): Promise<ParsedForm> {
  const { inbound } = exchange;
  refuseCoding(inbound);
  return parseForm(await exchange.body.bytes(), fieldOf(inbound, 'content-type'));
}

/** RFC 9110 §8.4: a coding that is not undone here is a 415. */
function refuseCoding(request: RawFields): void {
  const coding = fieldOf(request, 'content-encoding')?.trim().toLowerCase();
  if (coding !== undefined && coding !== '' && coding !== 'identity')
    throw wireError('HOTARU_UNSUPPORTED_MEDIA_TYPE', 'encoded bodies are not accepted here', {
      headers: { 'accept-encoding': 'identity' },
    });
}

function decodeText(bytes: Buffer, charset: string | undefined): string {
  const label = charset?.toLowerCase() ?? 'utf-8';
  if (label === 'utf-8' || label === 'utf8') {
    const text = bytes.toString('utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }
  try {
    return new TextDecoder(label).decode(bytes);
  } catch (error) {
    throw wireError('HOTARU_UNSUPPORTED_MEDIA_TYPE', 'the charset is not known here', {
      cause: error,
    });
  }
}
