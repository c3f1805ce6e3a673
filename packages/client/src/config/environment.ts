/**
 * Settings from the environment: `HOTARU_POOL_MAX_PER_HOST=50`, `HOTARU_POOL_IDLE_TIMEOUT=30s`. The
 * names follow the table of settings; a variable with the prefix that fits none is an error: it
 * would have no effect.
 */
import { didYouMean } from './did-you-mean.js';
import { ConfigError } from '../errors.js';
import { OLD_NAMES, SETTINGS, type Setting, type SettingName } from './defaults.js';
import type { SettingsInput } from './pool-config.js';

const PREFIX = 'HOTARU_POOL_';

/**
 * The values are not checked here.
 *
 * @throws ConfigError `HOTARU_INVALID_CONFIG` for a variable that names no setting, and for a duration without a unit.
 */
export function settingsFromEnvironment(environment: NodeJS.ProcessEnv): SettingsInput {
  const settings: Record<string, unknown> = {};
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined) continue;
    const name = VARIABLES.get(variable);
    if (name === undefined)
      throw new ConfigError(
        variable,
        `${variable} is no setting${didYouMean(variable, VARIABLES.keys())}; allowed: ${[...VARIABLES.keys()].join(', ')}`,
      );
    settings[name] = valueOf(variable, SETTINGS[presentName(name)], text);
  }
  return settings;
}

/** `maxPerHost` → `max_per_host`. */
export function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `maxPerHost` → `HOTARU_POOL_MAX_PER_HOST`. */
export function variableOf(name: string): string {
  return PREFIX + toSnakeCase(name).toUpperCase();
}

type GivenName = SettingName | keyof typeof OLD_NAMES;

const VARIABLES = new Map<string, GivenName>(
  ([...Object.keys(SETTINGS), ...Object.keys(OLD_NAMES)] as GivenName[]).map((name) => [
    variableOf(name),
    name,
  ]),
);

function presentName(name: GivenName): SettingName {
  return name in OLD_NAMES ? OLD_NAMES[name as keyof typeof OLD_NAMES] : (name as SettingName);
}

/** Text as the kind of setting wants it; what does not fit stays text, and fails the check with its name. */
function valueOf(variable: string, setting: Setting, text: string): unknown {
  const trimmed = text.trim();
  switch (setting.kind) {
    case 'boolean':
      return booleanOf(trimmed) ?? text;
    case 'choice':
      return setting.choices?.includes(true) === true ? (booleanOf(trimmed) ?? trimmed) : trimmed;
    case 'duration':
      // Many tools count these in seconds: 30 would be 30 ms here, in silence.
      if (isNumber(trimmed) && Number.isFinite(Number(trimmed)))
        throw new ConfigError(
          variable,
          `${variable} is "${trimmed}", without a unit: write ${trimmed}s or ${trimmed}ms`,
        );
      return isNumber(trimmed) ? Number(trimmed) : trimmed;
    default:
      return isNumber(trimmed) ? Number(trimmed) : trimmed;
  }
}

function booleanOf(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

function isNumber(text: string): boolean {
  return text !== '' && !Number.isNaN(Number(text));
}
