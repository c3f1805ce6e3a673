/**
 * A request as its parts, before it is bytes: what the generator makes, the damage bends, and the expected parse is
 * read from. Text is Latin-1: a byte for each character.
 */
import type { TargetForm } from '../../src/index.js';
import {
  renderBody,
  renderField,
  toPair,
  type PlannedBody,
  type PlannedField,
} from './response-plan.js';

export interface RequestPlan {
  /** Empty lines before the request line. */
  before: string;
  method: string;
  target: string;
  form: TargetForm;
  version: string;
  fields: PlannedField[];
  body: PlannedBody;
}

/** What a right reading of a request comes to. */
export interface ExpectedRequest {
  readonly method: string;
  readonly target: string;
  readonly form: TargetForm;
  /** Of the target, else of `Host`. */
  readonly authority: string;
  readonly minorVersion: number;
  /** Names in lower case, values without the blanks around them. */
  readonly fields: readonly (readonly [string, string])[];
  readonly hasBody: boolean;
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly expectContinue: boolean;
  readonly upgrade: string;
  readonly mayReuse: boolean;
}

export function renderRequest(plan: RequestPlan): string {
  const fields = plan.fields.map(renderField).join('');
  const line = `${plan.method} ${plan.target} HTTP/${plan.version}\r\n`;
  return `${plan.before}${line}${fields}\r\n${renderBody(plan.body)}`;
}

export function expectedRequest(plan: RequestPlan): ExpectedRequest {
  const { fields, body, version } = plan;
  const valuesOf = (name: string) =>
    fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value);
  const options = valuesOf('connection')
    .flatMap((value) => value.toLowerCase().split(','))
    .map((option) => option.trim());
  const isCurrent = version === '1.1';
  const isKept = isCurrent ? !options.includes('close') : options.includes('keep-alive');
  const data =
    body.kind === 'chunked' ? body.chunks.map((chunk) => chunk.data).join('') : dataOf(body);
  const hasBody = body.kind === 'chunked' || data !== '';
  const authority = /^[a-z]+:\/\/([^/?]*)/.exec(plan.target)?.[1];
  return {
    method: plan.method,
    target: plan.target,
    form: plan.form,
    authority: plan.form === 'authority' ? plan.target : (authority ?? valuesOf('host')[0] ?? ''),
    minorVersion: isCurrent ? 1 : 0,
    fields: fields.map(toPair),
    hasBody,
    body: data,
    trailers: body.kind === 'chunked' ? body.trailers.map(toPair) : [],
    expectContinue: isCurrent && hasBody && valuesOf('expect').length > 0,
    upgrade: isCurrent && options.includes('upgrade') ? valuesOf('upgrade').join(', ') : '',
    mayReuse: isKept && !options.includes('close'),
  };
}

function dataOf(body: Exclude<PlannedBody, { kind: 'chunked' }>): string {
  return body.kind === 'none' ? '' : body.data;
}
