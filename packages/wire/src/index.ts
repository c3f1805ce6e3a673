/** The grammar of HTTP, sans I/O: what the packages above may use. It imports nothing but `node:buffer`. */
export {
  COLON,
  CR,
  FIELD_TEXT,
  HEX_VALUE,
  HTAB,
  LF,
  NO_DIGIT,
  SEMICOLON,
  SP,
  TOKEN,
} from './bytes.js';
