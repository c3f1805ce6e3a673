/**
 * `PoolConfig`: a frozen, checked set of settings, and of settings for single hosts laid over them. An unknown
 * key or a bad value never gets past here: the error names the key, the value and what is allowed. What a single
 * setting may be is left to check-setting.ts.
 */
import { BUILT_PROTOCOLS, overlayTls, TlsIdentity, type TlsOptions } from '../key/tls-identity.js';
import { checkSetting, show } from './check-setting.js';
import { didYouMean } from './did-you-mean.js';
import { ConfigError } from '../errors.js';
import { authorityOf, parseHostAndPort } from '../key/host-name.js';
import { isRecord, ownOptions } from './own-options.js';
import { OLD_NAMES, PRESETS, SETTINGS, type Setting, type SettingName } from './defaults.js';
import { settingsFromEnvironment, variableOf } from './environment.js';
import type { Duration } from './duration.js';

/** Settings as the code reads them: durations in ms, sizes in bytes, `Infinity` for no limit. */
export interface Settings {
  readonly maxPerHost: number;
  readonly maxIdlePerHost: number;
  readonly maxTotal: number;
  readonly maxPending: number;
  readonly maxDialing: number;
  readonly minIdle: number;
  readonly acquireTimeout: number;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
  readonly maxLifetime: number;
  readonly maxRequestsPerConnection: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly timeout: number;
  readonly maxResponseSize: number;
  readonly maxBufferedSize: number;
  readonly cleanupInterval: number;
  readonly http2: boolean | 'prior-knowledge';
  readonly maxStreams: number;
  readonly enablePooling: boolean;
  readonly reportLeaks: boolean;
  readonly order: 'fifo' | 'lifo';
}

/** Settings as a user writes them: durations may be `'90s'`, sizes `'10mb'`. */
export type SettingsInput = {
  [K in SettingName]?: (Settings[K] extends number ? Duration : Settings[K]) | undefined;
} & {
  /** @deprecated The old name of `connectTimeout`; giving both is an error. */
  connectionTimeout?: Duration | undefined;
};

/** What `new ConnectionPool()` and `reconfigure()` take: settings, and settings for single hosts. */
export interface PoolConfigInput extends SettingsInput {
  /**
   * Keyed by host (`api.example.com`, `::1`) or host and port (`api.example.com:8443`, `[::1]:8080`), in any
   * form that means the same host: upper case, IDN. `reconfigure()` lays them over the host's earlier ones,
   * and `{}` takes those back.
   */
  hosts?: Record<string, HostInput> | undefined;
}

/** Settings for one host, and whom to trust there. */
export interface HostInput extends SettingsInput {
  /** For every TLS connection to the host; the `tls` of a call is laid over it, setting by setting. */
  tls?: TlsOptions | undefined;
}

/**
 * @example
 * const config = PoolConfig.from({ maxPerHost: 50, idleTimeout: '30s' });
 * config.settings.idleTimeout; // 30000
 */
export class PoolConfig {
  /** 500 connections a host, 50 kept ready, idle for 120 s, dials within 3 s. */
  static readonly highTraffic: PoolConfigInput = PRESETS.highTraffic;
  /** 200 connections a host, 20 kept ready, idle for 60 s, dials within 1 s, swept every 10 s. */
  static readonly lowLatency: PoolConfigInput = PRESETS.lowLatency;
  /** 20 connections a host, none kept ready, idle for 30 s, dials within 10 s. */
  static readonly constrained: PoolConfigInput = PRESETS.constrained;

  readonly settings: Settings;
  readonly hosts: Readonly<Record<string, Settings>>;
  /** By host, as in `hosts`; only hosts that have any. */
  readonly tls: Readonly<Record<string, TlsOptions>>;

  private constructor(
    settings: Settings,
    hosts: Record<string, Settings>,
    tls: Record<string, TlsOptions>,
  ) {
    this.settings = Object.freeze(settings);
    this.hosts = Object.freeze(hosts);
    this.tls = Object.freeze(tls);
    Object.freeze(this);
  }

  /**
   * Checks `input` over `base` (the defaults when omitted).
   *
   * @throws ConfigError `HOTARU_INVALID_CONFIG` naming key, value and what is allowed.
   */
  static from(input: PoolConfigInput = {}, base?: PoolConfig): PoolConfig {
    if (input instanceof PoolConfig) return input;
    if (!isRecord(input))
      throw new ConfigError('', `a pool configuration must be an object, not ${show(input)}`);
    const { hosts: hostInputs, ...own } = ownOptions(input as PoolConfigInput);
    const settings = checkSettings(own, base?.settings ?? DEFAULTS, '');
    // A host's own words outlive a change of the pool's: they are laid over the new settings again.
    const hosts = Object.create(null) as Record<string, Settings>;
    const tls = Object.create(null) as Record<string, TlsOptions>;
    const words = overlayHosts(base?.hostWords(), checkHosts(hostInputs));
    for (const [host, word] of Object.entries(words)) {
      const path = `hosts[${JSON.stringify(host)}].`;
      hosts[host] = Object.freeze(checkSettings(withoutTls(word), settings, path));
      if (word.tls === undefined) continue;
      tls[host] = checkTls(host, word.tls, path);
      checkOffer(hosts[host], word, path);
    }
    const config = new PoolConfig(settings, hosts, tls);
    HOST_WORDS.set(config, words);
    return config;
  }

  /**
   * Settings from `HOTARU_POOL_*` variables, for `new ConnectionPool()` or `configureGlobal()`. The global
   * pool reads them by itself.
   *
   * @throws ConfigError `HOTARU_INVALID_CONFIG` naming the variable, its value and what is allowed.
   */
  static fromEnvironment(environment: NodeJS.ProcessEnv = process.env): PoolConfigInput {
    const settings = settingsFromEnvironment(environment);
    try {
      PoolConfig.from(settings);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const variable = variableOf(error.key);
      throw new ConfigError(variable, error.message.replace(error.key, variable));
    }
    return settings;
  }

  /**
   * Settings from a YAML file (see yaml-file.ts for its form).
   *
   * @throws ConfigError `HOTARU_INVALID_CONFIG` with file, line and column
   * @example ConnectionPool.configureGlobal(await PoolConfig.load('hotaru.yaml'));
   */
  static async load(file: string): Promise<PoolConfigInput> {
    const { loadYaml } = await import('./yaml-file.js');
    return loadYaml(file);
  }

  /** The settings for one host: its own entry (`host:port` before `host`), else the pool's. */
  forHost(host: string, port: number): Settings {
    return this.hosts[authorityOf(host, port)] ?? this.hosts[host] ?? this.settings;
  }

  /** The TLS settings of one host, found as `forHost` finds its settings. */
  tlsFor(host: string, port: number): TlsOptions | undefined {
    return this.tls[authorityOf(host, port)] ?? this.tls[host];
  }

  private hostWords(): Record<string, HostInput> {
    return HOST_WORDS.get(this) ?? {};
  }
}

const HOST_WORDS = new WeakMap<PoolConfig, Record<string, HostInput>>();

export const DEFAULTS: Settings = Object.freeze(
  Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [name, setting.default])),
) as unknown as Settings;

function withoutTls(word: HostInput): SettingsInput {
  const settings: HostInput = { ...word };
  delete settings.tls;
  return settings;
}

function checkTls(host: string, tls: TlsOptions, path: string): TlsOptions {
  try {
    TlsIdentity.from(parseHostAndPort(host)?.host ?? host, tls, true);
  } catch (error) {
    throw new ConfigError(`${path}tls`, `${path}tls: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return Object.freeze({ ...tls });
}

/** Where the two leave nothing to offer, each call would be refused. */
function checkOffer({ http2 }: Settings, word: HostInput, path: string): void {
  const alpn = word.tls?.alpn ?? [];
  const usable = alpn.filter((name) => BUILT_PROTOCOLS.includes(name));
  if (http2 !== false || usable.length === 0 || usable.some((name) => name !== 'h2')) return;
  const setting = `${word.http2 === undefined ? '' : path}http2`;
  throw new ConfigError(
    `${path}tls`,
    `${path}tls.alpn ${JSON.stringify(alpn)} offers HTTP/2 alone, and ${setting} is false: change one of them`,
  );
}

/** By canonical name. */
function checkHosts(hosts: PoolConfigInput['hosts']): Record<string, HostInput> {
  if (hosts === undefined) return {};
  if (!isRecord(hosts))
    throw new ConfigError(
      'hosts',
      `hosts must be an object of settings by host, not ${show(hosts)}`,
    );
  const words = Object.create(null) as Record<string, HostInput>;
  const given = new Map<string, string>();
  for (const [text, word] of Object.entries(hosts)) {
    const parsed = parseHostAndPort(text);
    if (parsed === undefined)
      throw new ConfigError('hosts', `hosts[${show(text)}] must be a host name or host:port`);
    const { host, port } = parsed;
    const name = port === undefined ? host : authorityOf(host, port);
    const other = given.get(name);
    if (other !== undefined)
      throw new ConfigError(
        'hosts',
        `hosts[${show(other)}] and hosts[${show(text)}] are the same host: give its settings once`,
      );
    given.set(name, text);
    words[name] = isRecord(word) ? ownOptions(word) : word;
  }
  return words;
}

/** Setting by setting, those of `tls` too; undefined leaves what was there, and {} takes all of it back. */
function overlayHosts(
  base: Record<string, HostInput> | undefined,
  own: Record<string, HostInput>,
): Record<string, HostInput> {
  const words = Object.assign(Object.create(null) as Record<string, HostInput>, base);
  for (const [host, word] of Object.entries(own)) {
    const path = `hosts[${JSON.stringify(host)}].`;
    if (!isRecord(word)) throw notSettings(path, word);
    if (Object.keys(word).length === 0) {
      Reflect.deleteProperty(words, host);
      continue;
    }
    const { tls, ...settings } = word;
    const before = words[host];
    const laidOver: HostInput = Object.assign(
      Object.create(null) as HostInput, // `tls` is read from it later: not what Object.prototype was given then
      before,
      withoutUndefined(newNames(settings, path)),
    );
    const bothTls = isRecord(tls) ? overlayTls(before?.tls, tls) : (tls ?? before?.tls);
    if (bothTls !== undefined) laidOver.tls = isRecord(bothTls) ? { ...bothTls } : bothTls;
    words[host] = Object.freeze(laidOver);
  }
  return words;
}

/** The same settings under their present names. */
function newNames(input: SettingsInput, path: string): SettingsInput {
  const named = new Map<string, unknown>(Object.entries(input));
  for (const [old, name] of Object.entries(OLD_NAMES)) {
    const value = named.get(old);
    if (value === undefined) continue;
    if (named.get(name) !== undefined)
      throw new ConfigError(
        path + old,
        `${path}${old} is the old name of ${name}, and both are given: give one of them`,
      );
    named.delete(old);
    // Checked here, under the name that was given: an error must not name what its author never wrote.
    named.set(name, checkSetting(path + old, value, SETTINGS[name]));
  }
  return Object.fromEntries(named);
}

function withoutUndefined<T extends object>(input: T): T {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as T;
}

function notSettings(path: string, value: unknown): ConfigError {
  const what = `${path.slice(0, -1)} must be an object of settings, not ${show(value)}`;
  return new ConfigError(path, what);
}

function checkSettings(input: SettingsInput, base: Settings, path: string): Settings {
  const settings = { ...base } as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(newNames(input, path))) {
    if (value === undefined) continue;
    if (!Object.hasOwn(SETTINGS, name))
      throw new ConfigError(
        path + name,
        `${path}${name} is not a setting${didYouMean(name, namesAt(path))}; allowed: ${namesAt(path).join(', ')}`,
      );
    const setting: Setting = SETTINGS[name as SettingName];
    if (path !== '' && !setting.perHost)
      throw new ConfigError(path + name, `${path}${name} can only be set for the whole pool`);
    settings[name] = checkSetting(path + name, value, setting);
  }
  const checked = settings as unknown as Settings;
  const room = Math.min(checked.maxIdlePerHost, checked.maxPerHost);
  if (checked.minIdle > room)
    throw new ConfigError(
      `${path}minIdle`,
      `${path}minIdle is ${checked.minIdle}, but only ${room} may be idle (maxIdlePerHost ${checked.maxIdlePerHost}, maxPerHost ${checked.maxPerHost})`,
    );
  return checked;
}

/** What may be given there: for the pool, or for one host. */
function namesAt(path: string): string[] {
  const names = Object.keys(SETTINGS) as SettingName[];
  if (path === '') return [...names, 'hosts'];
  return [...names.filter((name) => SETTINGS[name].perHost), 'tls'];
}
