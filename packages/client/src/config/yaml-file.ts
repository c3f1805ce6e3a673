/**
 * Settings from a YAML file: snake_case keys under `connection_pool:`, durations such as `90s`, hosts by
 * name. Every error says file, line and column.
 *
 *     connection_pool:
 *       enabled: true            # the same as enable_pooling
 *       max_per_host: 50
 *       idle_timeout: 90s
 *       hosts:
 *         api.example.com: { max_per_host: 10 }
 */
import { readFile } from 'node:fs/promises';
import { didYouMean } from './did-you-mean.js';
import { ConfigError } from '../errors.js';
import { OLD_NAMES, SETTINGS } from './defaults.js';
import { toSnakeCase } from './environment.js';
import { PoolConfig, type PoolConfigInput } from './pool-config.js';

const NAMES = new Map<string, string>([
  ['enabled', 'enablePooling'],
  ...[...Object.keys(SETTINGS), ...Object.keys(OLD_NAMES)].map((name): [string, string] => [
    toSnakeCase(name),
    name,
  ]),
]);

/** @throws ConfigError `HOTARU_INVALID_CONFIG` with `file:line:column`. */
export async function loadYaml(file: string): Promise<PoolConfigInput> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError(file, `${file} can't be read: ${(error as Error).message}`, {
      cause: error,
    });
  });
  return parseYaml(text, file);
}

export async function parseYaml(text: string, file: string): Promise<PoolConfigInput> {
  const yaml = await import('yaml'); // a program without a file does not load its parser
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false }); // the place is said here
  const fail = (offset: number, key: string, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new ConfigError(key, `${file}:${line}:${col}: ${message}`);
  };
  const [broken] = document.errors;
  if (broken !== undefined) fail(broken.pos[0], '', broken.message);

  /** The entries of a mapping, with the place of each key. */
  const entries = (node: unknown, what: string, at: number) => {
    if (!yaml.isMap(node)) return fail(at, what, `${what} must be a mapping of names to values`);
    return node.items.map(({ key, value }) => {
      const place = yaml.isScalar(key) ? (key.range?.[0] ?? 0) : 0;
      return { name: yaml.isScalar(key) ? String(key.value) : '', place, value };
    });
  };

  /** Checks each setting by itself, so that an error is at its place and not somewhere in the file. */
  const settings = (node: unknown, what: string, at: number, host?: string) => {
    const checked: Record<string, unknown> = {};
    for (const { name, place, value } of entries(node, what, at)) {
      if (host === undefined && name === 'hosts') continue;
      const setting = NAMES.get(name);
      if (setting === undefined)
        return fail(
          place,
          name,
          `${name} is not a setting${didYouMean(name, NAMES.keys())}; allowed: ${[...NAMES.keys()].join(', ')}`,
        );
      const given: unknown = yaml.isScalar(value)
        ? value.value
        : yaml.isNode(value)
          ? value.toJSON()
          : value;
      const one = { [setting]: given };
      try {
        PoolConfig.from(host === undefined ? one : { hosts: { [host]: one } });
      } catch (error) {
        const message = (error as Error).message.replaceAll(setting, name);
        // A rule between two settings can be judged only once both are known.
        if ((error as ConfigError).key.endsWith(setting) && setting !== 'minIdle')
          fail(place, name, message);
      }
      if (setting in checked)
        return fail(place, name, `${name} is given twice: give ${toSnakeCase(setting)} once`);
      Object.assign(checked, one);
    }
    return checked;
  };

  const root = entries(document.contents, 'the file', 0);
  const unknown = root.find(({ name }) => name !== 'connection_pool');
  if (unknown !== undefined)
    return fail(
      unknown.place,
      unknown.name,
      `${unknown.name} is not known; allowed: connection_pool`,
    );
  const [section] = root;
  if (section === undefined) return fail(0, '', 'there is no connection_pool');
  const input: PoolConfigInput = settings(section.value, 'connection_pool', section.place);
  const hosts = entries(section.value, 'connection_pool', section.place).find(
    ({ name }) => name === 'hosts',
  );
  if (hosts !== undefined) {
    input.hosts = Object.create(null) as NonNullable<PoolConfigInput['hosts']>; // a host may be called __proto__
    for (const { name, place, value } of entries(hosts.value, 'hosts', hosts.place))
      input.hosts[name] = settings(value, `hosts.${name}`, place, name);
  }
  try {
    PoolConfig.from(input);
  } catch (error) {
    fail(section.place, (error as ConfigError).key, (error as Error).message);
  }
  return input;
}
