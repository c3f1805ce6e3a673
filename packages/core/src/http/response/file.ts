/** `file()`: a file from disk as a response. */
import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { contentType as typeFor } from 'mime-types';
import { checkKeys, invalidOption } from '../../options.js';
import { wireError, type HttpError } from './http-error.js';
import { HttpResponse, type ResponseInit } from './response.js';

export interface FileOptions {
  /** The folder the path is below. What lies outside, by `..` or by a link, is not found. */
  root: string;
  status?: number | undefined;
  headers?: Exclude<ResponseInit, number>['headers'];
}

/** What a missing file, a folder and a file one may not see have in common: none is told from the others. */
const NOT_FOUND = new Set([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EACCES',
  'ELOOP',
  'ENAMETOOLONG',
  'EPERM',
]);

/**
 * Streams a file. The type follows its extension; names that start with a dot are not found, and neither is a path
 * with an empty part (`a//b`, `/a`, `a/`).
 *
 * @param path below `root`, decoded: what a `<**path:rest>` param gives.
 * @throws HttpError 404 `HOTARU_FILE_NOT_FOUND`; HotaruError `HOTARU_INVALID_OPTION` without a root.
 * @example app.get('/assets/<**path:rest>', (ctx) => file(ctx.param('rest'), { root: 'public' }));
 */
export async function file(path: string, options: FileOptions): Promise<HttpResponse> {
  if (typeof (path as unknown) !== 'string')
    throw invalidOption('the path of file()', path, 'the text of a path below `root`');
  if ((options as unknown) === undefined)
    throw invalidOption(
      'the options of file()',
      options,
      "the folder, as in file(path, { root: 'public' })",
    );
  checkKeys('file', options, ['root', 'status', 'headers']);
  const { root, status, headers } = options;
  if (typeof (root as unknown) !== 'string' || root === '')
    throw invalidOption(
      'file.root',
      root,
      "the path of a folder, as in file(path, { root: 'public' })",
    );
  const parts = path.split(/[\\/]/);
  // The system passes over an empty part: with it a file would have two paths, and a guard might know one of them.
  const isRefused = parts.some((part) => part === '' || part.startsWith('.'));
  if (path.includes('\0') || isRefused) throw notFound();
  try {
    const base = await realpath(root);
    const target = await realpath(join(base, ...parts));
    const inside = relative(base, target);
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
      throw notFound();
    // The path has no links left: one put there since is refused.
    const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return await fileResponse(handle, target, status, headers);
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    if (NOT_FOUND.has((error as NodeJS.ErrnoException).code ?? '')) throw notFound();
    throw error;
  }
}

async function fileResponse(
  handle: FileHandle,
  target: string,
  status: number | undefined,
  headers: FileOptions['headers'],
): Promise<HttpResponse> {
  const facts = await handle.stat();
  if (!facts.isFile()) throw notFound();
  const type = typeFor(target.slice(target.lastIndexOf(sep) + 1));
  // The size is promised in the head: a file that grows meanwhile is sent as it was.
  const mediaType = type === false ? 'application/octet-stream' : type;
  const response = new HttpResponse(null, mediaType, { status, headers });
  response.setHeader('content-length', facts.size);
  // Last: from here on the stream closes the file.
  response.body = handle.createReadStream({ start: 0, end: Math.max(0, facts.size - 1) });
  return response;
}

function notFound(): HttpError {
  return wireError('HOTARU_FILE_NOT_FOUND', 'no such file');
}
