/**
 * A response as its parts, before it is bytes: what the generator makes, the damage bends, and the
 * expected parse is read from. Text is Latin-1: a byte for each character.
 */

/** `name:before value after`; the blanks around a value are no part of it (RFC 9112 §5). */
export interface PlannedField {
  name: string;
  before: string;
  value: string;
  after: string;
}

export interface PlannedChunk {
  /** As it is written: leading zeros and the case of digits are free. */
  size: string;
  /** From the blank or semicolon after the size to the end of the line. */
  extension: string;
  data: string;
}

export interface PlannedHead {
  version: string;
  status: number;
  /** With the blank before it; may be empty. */
  reason: string;
  fields: PlannedField[];
}

export type PlannedBody =
  | { kind: 'none' }
  | { kind: 'length'; data: string }
  | { kind: 'until-close'; data: string }
  | { kind: 'chunked'; chunks: PlannedChunk[]; last: PlannedChunk; trailers: PlannedField[] };

export interface ResponsePlan {
  method: string;
  informational: PlannedHead[];
  head: PlannedHead;
  body: PlannedBody;
}

/** What a right reading of a response comes to. */
export interface ExpectedParse {
  readonly informational: readonly number[];
  readonly status: number;
  readonly reason: string;
  /** Names in lower case, values without the blanks around them. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly mayReuse: boolean;
}

export function render(plan: ResponsePlan): string {
  const heads = [...plan.informational, plan.head].map(renderHead);
  return heads.join('') + renderBody(plan.body);
}

export function renderField(field: PlannedField): string {
  return `${field.name}:${field.before}${field.value}${field.after}\r\n`;
}

function renderHead(head: PlannedHead): string {
  const fields = head.fields.map(renderField).join('');
  return `HTTP/${head.version} ${head.status}${head.reason}\r\n${fields}\r\n`;
}

export function renderBody(body: PlannedBody): string {
  if (body.kind === 'none') return '';
  if (body.kind !== 'chunked') return body.data;
  const chunks = body.chunks.map(
    ({ size, extension, data }) => `${size}${extension}\r\n${data}\r\n`,
  );
  const trailers = body.trailers.map(renderField).join('');
  return `${chunks.join('')}${body.last.size}${body.last.extension}\r\n${trailers}\r\n`;
}

export function expectedParse(plan: ResponsePlan): ExpectedParse {
  const { head, body } = plan;
  const options = head.fields
    .filter((field) => field.name.toLowerCase() === 'connection')
    .flatMap((field) => field.value.toLowerCase().split(','))
    .map((option) => option.trim());
  const saysClose = options.includes('close');
  const isKeptAlive =
    head.version === '1.1' ? !saysClose : options.includes('keep-alive') && !saysClose;
  return {
    informational: plan.informational.map(({ status }) => status),
    status: head.status,
    reason: head.reason.slice(1),
    fields: head.fields.map(toPair),
    body:
      body.kind === 'none'
        ? ''
        : body.kind === 'chunked'
          ? body.chunks.map(({ data }) => data).join('')
          : body.data,
    trailers: body.kind === 'chunked' ? body.trailers.map(toPair) : [],
    mayReuse: isKeptAlive && body.kind !== 'until-close',
  };
}

export function toPair(field: PlannedField): [string, string] {
  return [field.name.toLowerCase(), field.value];
}
