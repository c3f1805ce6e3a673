/** The grammar of HTTP, sans I/O: what the packages above may use. It imports nothing but `node:buffer`. */
export * from './grammar/index.js';
