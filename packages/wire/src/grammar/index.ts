/** The grammar of HTTP: each rule stands once, for both roles, for bytes and for text. */
export {
  COLON,
  COMMA,
  CR,
  FIELD_TEXT,
  HEX_VALUE,
  HTAB,
  LF,
  NO_DIGIT,
  SEMICOLON,
  SP,
  TARGET_TEXT,
  TOKEN,
} from './bytes.js';
export { isHost, isSendableHost, uriHost } from './host.js';
export { isBodilessStatus, REASON_PHRASES, REDIRECT_STATUSES } from './status.js';
export { isDigits, isFieldText, isTargetText, isToken, listMembers, trimBlanks } from './text.js';
