/**
 * The extensions of a chunk (RFC 9112 §7.1.1), a byte at a time. No extension means anything here; what matters is
 * where their line ends.
 *
 *   skipped                     any text up to the CR: for responses
 *
 *   name ─▶ in-name ─=▶ value ─▶ in-value | quoted ⇄ escaped ─"▶ after-quoted        for requests: the grammar, because
 *     ▲        │                    │                               │                 what another machine may read
 *     └────────┴──────── ; ─────────┴───────────────────────────────┘                 otherwise is an attack
 *
 * The line may end in in-name, in-value and after-quoted.
 */
import { CR, FIELD_TEXT, SEMICOLON, TOKEN } from '../grammar/index.js';
import { WireError } from '../wire-error.js';

export type ExtensionState =
  'skipped' | 'name' | 'in-name' | 'value' | 'in-value' | 'quoted' | 'escaped' | 'after-quoted';

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The state after a byte, or `undefined` when it was the CR that ends the line. */
export function nextExtensionState(
  state: ExtensionState,
  byte: number,
): ExtensionState | undefined {
  const isToken = TOKEN[byte] === 1;
  const isText = FIELD_TEXT[byte] === 1;
  switch (state) {
    case 'skipped':
      if (byte === CR) return undefined;
      if (isText) return 'skipped';
      break;
    case 'name':
      if (isToken) return 'in-name';
      break;
    case 'in-name':
      if (isToken) return 'in-name';
      if (byte === EQUALS) return 'value';
      if (byte === SEMICOLON) return 'name';
      if (byte === CR) return undefined;
      break;
    case 'value':
      if (isToken) return 'in-value';
      if (byte === QUOTE) return 'quoted';
      break;
    case 'in-value':
      if (isToken) return 'in-value';
      if (byte === SEMICOLON) return 'name';
      if (byte === CR) return undefined;
      break;
    case 'quoted':
      if (byte === QUOTE) return 'after-quoted';
      if (byte === BACKSLASH) return 'escaped';
      if (isText) return 'quoted';
      break;
    case 'escaped':
      if (isText) return 'quoted';
      break;
    case 'after-quoted':
      if (byte === SEMICOLON) return 'name';
      if (byte === CR) return undefined;
  }
  throw isText
    ? new WireError('chunk-extension', 'a chunk extension that is none')
    : new WireError('chunk-extension', 'a control character in a chunk extension');
}
