/** What every origin answers. */

const ENVELOPE = '{"data":""}';

/** 1 KiB of JSON. */
export const JSON_BODY = JSON.stringify({ data: 'x'.repeat(1_024 - ENVELOPE.length) });

/** Bodies of unparsed bytes, by path. */
export const BODY_BYTES: Readonly<Record<string, number>> = {
  '/1m': 1_048_576,
  '/64m': 67_108_864,
};
