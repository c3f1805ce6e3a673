/** Is all that a class is given registered? To be asked at the start: tsyringe finds out when it makes the class. */
import { HotaruError } from '../errors.js';
import { parametersOf, undelayed, type Class, type Inside, type Token } from './inside.js';

/** @throws HotaruError `HOTARU_INVALID_INJECTION` that names class, parameter and token. */
export function checkRegistered(type: Class, inside: Inside): void {
  visit(type, inside, new Set());
}

function visit(type: Class, inside: Inside, seen: Set<Class>): void {
  if (seen.has(type)) return;
  seen.add(type);
  for (const [index, { token, isOptional }] of (parametersOf(type) ?? []).entries()) {
    if (token === undefined || isOptional === true) continue;
    const missing = missingBehind(token, inside, seen);
    if (missing !== undefined)
      throw new HotaruError(
        'HOTARU_INVALID_INJECTION',
        `parameter ${index + 1} of the constructor of ${type.name} is @inject(${missing}), which is not registered: ` +
          `app.container.registerInstance(${missing}, value)`,
      );
  }
}

/** A name that leads to nothing. What an instance or a factory needs is its own affair. */
function missingBehind(given: Token, inside: Inside, seen: Set<Class>): string | undefined {
  const token = undelayed(given);
  const provider = inside.getRegistration(token)?.provider;
  if (provider?.useToken !== undefined && provider.useToken !== token)
    return missingBehind(provider.useToken, inside, seen);
  const type = provider === undefined && typeof token === 'function' ? token : provider?.useClass;
  if (type !== undefined) visit(type, inside, seen);
  if (provider !== undefined) return undefined;
  if (typeof token === 'string') return JSON.stringify(token);
  return typeof token === 'symbol' ? String(token) : undefined;
}
