/** How much a peer may send. Each reader is given its limits; this package has no defaults. */

/** Of a head, and of the trailer section. */
export interface HeadLimits {
  /** Bytes of one line, CR LF included. */
  readonly maxLineBytes: number;
  /** Bytes of a head, its empty line included. */
  readonly maxHeadBytes: number;
  readonly maxTrailerBytes: number;
  /** Fields of a head, and of a trailer section. */
  readonly maxHeaderCount: number;
}

/** Of the framing of a chunked body. Its data is for the receiver of the body to limit. */
export interface ChunkLimits {
  /** Digits of a chunk size: leading zeros are legal, and a flood of them is not. */
  readonly maxChunkSizeDigits: number;
  /** Bytes of the extensions of one chunk, blanks included. */
  readonly maxChunkExtensionBytes: number;
  /** What all chunk extensions of a body may take beyond twice its data. */
  readonly chunkExtensionAllowanceBytes: number;
}

export interface ResponseLimits extends HeadLimits, ChunkLimits {
  /** 1xx responses before the final one. */
  readonly maxInformational: number;
}

export interface RequestLimits extends HeadLimits, ChunkLimits {
  /** Bytes of a request target: a longer one is 414, any other long line 431. */
  readonly maxTargetBytes: number;
  /** Empty lines before a request line: old clients send one after a body (RFC 9112 §2.2). */
  readonly maxEmptyLines: number;
}
