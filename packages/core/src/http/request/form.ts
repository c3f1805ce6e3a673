/**
 * Forms: URL-encoded or multipart bytes → fields and files. The bytes have been collected under
 * `maxBodySize` before; for uploads too large for memory there is `ctx.stream`.
 */
import { Busboy } from '@fastify/busboy';
import { CONSTANTS } from '../../constants.js';
import { wireError } from '../response/http-error.js';
import { addField, emptyFields, parsePairs, type FieldBag } from './query.js';
import { mediaType } from './safety.js';

/** A file of a multipart form, in memory. */
export interface UploadedFile {
  /** The name of the form's field. */
  readonly field: string;
  /** As the client calls it, without a path; '' when it has no name. Never use it as a path. */
  readonly filename: string;
  /** As the client claims. */
  readonly contentType: string;
  readonly bytes: Buffer;
}

export interface ParsedForm {
  readonly fields: FieldBag;
  readonly files: readonly UploadedFile[];
}

/** @throws HttpError 400 `HOTARU_BAD_FORM`, 415 for a type that is no form. */
export async function parseForm(
  bytes: Buffer,
  contentType: string | undefined,
): Promise<ParsedForm> {
  switch (mediaType(contentType)) {
    case 'application/x-www-form-urlencoded': {
      const fields = parsePairs(bytes.toString('utf8'), CONSTANTS.maxFormFields);
      if (fields === undefined) throw badForm(`more than ${CONSTANTS.maxFormFields} fields`);
      return { fields, files: [] };
    }
    case 'multipart/form-data':
      return parseMultipart(bytes, contentType ?? '');
    default:
      throw wireError('HOTARU_UNSUPPORTED_MEDIA_TYPE', 'a form is expected here', {
        headers: { accept: 'application/x-www-form-urlencoded, multipart/form-data' },
      });
  }
}

function parseMultipart(bytes: Buffer, contentType: string): Promise<ParsedForm> {
  return new Promise((resolve, reject) => {
    const fields = emptyFields();
    const files: UploadedFile[] = [];
    const fail = (problem: string, cause?: unknown): void => reject(badForm(problem, cause));
    let parser: InstanceType<typeof Busboy>;
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: {
          fieldNameSize: CONSTANTS.maxFormNameBytes,
          fieldSize: bytes.length + 1, // a part is never larger than the whole
          fields: CONSTANTS.maxFormFields,
          files: CONSTANTS.maxFormFields,
          parts: CONSTANTS.maxFormFields,
          headerPairs: CONSTANTS.maxPartHeaders,
        },
      });
    } catch (error) {
      fail((error as Error).message, error); // no boundary
      return;
    }
    parser.on('field', (name, value, isNameCut) => {
      if (isNameCut) fail('the name of a field is too long');
      else if (isNameless(name)) fail('a part has no name');
      else addField(fields, name, value);
    });
    parser.on('file', (field, stream, filename, _encoding, type) => {
      if (isNameless(field)) {
        fail('a part has no name');
        stream.resume();
        return;
      }
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', (error: unknown) => fail('a file is cut off', error));
      stream.on('end', () =>
        files.push({
          field,
          filename: orEmpty(filename),
          contentType: type,
          bytes: Buffer.concat(chunks),
        }),
      );
    });
    for (const event of ['fieldsLimit', 'filesLimit', 'partsLimit'] as const)
      parser.on(event, () => fail(`more than ${CONSTANTS.maxFormFields} parts`));
    parser.on('error', (error: unknown) => fail((error as Error).message, error));
    parser.on('finish', () => resolve({ fields, files }));
    parser.end(bytes);
  });
}

function badForm(problem: string, cause?: unknown): Error {
  return wireError('HOTARU_BAD_FORM', `the form cannot be read: ${problem}`, { cause });
}

/** RFC 7578 §4.2: each part has one. The parser's types promise it, too. */
function isNameless(name: string): boolean {
  return (name as string | undefined) === undefined;
}

/** The parser's types promise a name; a part without one has none. */
function orEmpty(text: string | undefined): string {
  return text ?? '';
}
