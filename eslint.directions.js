/**
 * Which part of the house may import which: one table. The lint rule below enforces it, and
 * tests/directions.test.ts sees every line of it fail once.
 *
 * A room is `package/folder` or `package/file.ts` (below `packages/<package>/src/`), or a module of Node; `*` is
 * everything. Types count as values do. Tests beside the source are not looked at.
 *
 *   from     the rooms that the line is about …
 *   except   … without these
 *   never    what they do not import …
 *   may      … but these they do: examples of what is fine, and exceptions from `never`
 *   why      what the linter says
 */
import { isBuiltin } from 'node:module';
import path from 'node:path';

export const DIRECTIONS = [
  // ── packages: wire ← client ← core ← observe, cli ──────────────────────────────────────────────────────────
  {
    from: ['wire'],
    never: ['*'],
    may: ['wire', 'node:buffer'],
    why: 'wire is the grammar of HTTP without I/O: it needs node:buffer and nothing else',
  },
  {
    from: ['client'],
    never: ['core', 'observe', 'cli', 'create-hotaru'],
    may: ['wire'],
    why: 'the client knows nothing of the framework, nor of what is built on it',
  },
  {
    from: ['core'],
    never: ['observe', 'cli', 'create-hotaru'],
    may: ['client', 'wire'],
    why: 'the framework knows nothing of what is built on it: observe subscribes',
  },
  {
    from: ['client', 'core', 'observe', 'cli'],
    except: ['client/testing'],
    never: ['client/testing'],
    may: ['client/index.ts'],
    why: 'testing/ is for tests, of ours and of users',
  },

  // ── client ─────────────────────────────────────────────────────────────────────────────────────────────────
  {
    from: ['client/pool'],
    never: [
      ...['wire', 'client/connection', 'client/message', 'client/send', 'client/lease'],
      ...[
        'client/policies',
        'client/upstream',
        'client/connection-pool.ts',
        'client/pool-hosts.ts',
      ],
      ...['node:net', 'node:tls', 'node:http', 'node:https', 'node:http2'],
    ],
    may: ['client/config', 'client/key', 'client/errors.ts'],
    why: 'pool/ knows no sockets and no HTTP',
  },
  {
    from: ['client/connection'],
    never: ['client/send', 'client/policies', 'client/connection-pool.ts', 'client/pool-hosts.ts'],
    may: ['client/pool', 'client/message', 'client/config', 'wire'],
    why: 'connection/ implements what pool/ declares, and does not know who uses it',
  },
  {
    from: ['client/connection/http1'],
    never: ['client/connection/http2', 'client/connection/dial'],
    may: ['client/connection/transport.ts', 'client/connection/request-writer.ts'],
    why: 'protocols share what stands beside them in connection/, and know neither each other nor how they were dialled',
  },
  {
    from: ['client/connection/http2'],
    never: ['client/connection/http1', 'client/connection/dial'],
    may: ['client/connection/transport.ts', 'client/connection/request-writer.ts'],
    why: 'protocols share what stands beside them in connection/, and know neither each other nor how they were dialled',
  },
  {
    from: ['client/message'],
    never: [
      ...['client/send', 'client/policies', 'client/pool', 'client/connection'],
      ...['client/connection-pool.ts', 'client/pool-hosts.ts'],
    ],
    may: ['client/config', 'client/errors.ts'],
    why: 'message/ is data',
  },
  {
    from: ['client/send', 'client/upstream'],
    never: ['client/connection', 'node:net', 'node:tls', 'node:http', 'node:http2'],
    may: [
      ...['client/connection/connection.ts', 'client/connection/exchange.ts'], // the two interfaces
      'client/connection/turn.ts', // the turn of the event loop: of no protocol
      ...['client/pool', 'client/message', 'client/config'],
    ],
    why: 'a call is sent over two interfaces, Connection and Exchange, whatever protocol carries it',
  },
  {
    from: ['client/policies'],
    never: ['client/pool', 'client/connection', 'node:net', 'node:tls', 'node:http', 'node:http2'],
    may: ['client/send', 'client/message', 'client/config'],
    why: 'a policy is about calls: it knows neither the pool nor connections',
  },
  {
    from: ['client/config', 'client/key'],
    never: ['client/connection'],
    may: ['client/errors.ts', 'client/config', 'client/key'],
    why: 'settings and keys come before any connection',
  },

  {
    from: ['client/lease'],
    never: ['client/connection/http1', 'client/connection/http2', 'client/connection/websocket'],
    may: ['client/connection/connection.ts'],
    why: 'a lease is of a connection, whatever protocol it speaks',
  },

  // ── core ───────────────────────────────────────────────────────────────────────────────────────────────────
  {
    from: ['core'],
    except: ['core/app.ts', 'core/index.ts'],
    never: ['core/app.ts'],
    may: ['core/services.ts'],
    why: 'what is below app.ts does not know App: use Services (services.ts), or an interface of your own',
  },

  {
    from: ['core'],
    except: ['core/inbound/node-http'],
    never: ['node:http', 'node:https', 'node:http2', 'node:net', 'node:tls'],
    may: ['core/inbound', 'node:stream'],
    why: 'only inbound/node-http/ knows node:http and sockets, their types too: the rest knows inbound/inbound.ts',
  },
  {
    from: ['core'],
    except: ['core/app.ts', 'core/index.ts', 'core/inbound/node-http'],
    never: ['core/inbound/node-http'],
    may: ['core/inbound/inbound.ts', 'core/inbound/node-http/methods.ts'],
    why: 'the transport is chosen in app.ts: the rest knows inbound/inbound.ts',
  },

  // An index has everything in it: to import it from within is to import what stands above.
  {
    from: ['wire'],
    never: ['wire/index.ts'],
    may: ['wire/grammar'],
    why: 'the index of a package is for other packages',
  },
  {
    from: ['client'],
    never: ['client/index.ts'],
    may: ['client/errors.ts'],
    why: 'the index of a package is for other packages',
  },
  {
    from: ['core'],
    never: ['core/index.ts'],
    may: ['core/errors.ts', 'client/index.ts'],
    why: 'the index of a package is for other packages',
  },
];

/** Globals that wire/ does not use: what time it is, and every byte, is handed in. */
export const NOT_IN_WIRE = [
  ...['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
  ...['process', 'console', 'fetch', 'WebSocket'],
];

/** Rooms that the table names and that are not built yet. A test sees to it that no other is missing. */
export const NOT_BUILT = [
  ...['observe', 'cli', 'create-hotaru', 'client/upstream'],
  'client/connection/websocket',
];

/** Does `room` (a folder, a file, `*`) hold what is at `place`? */
function holds(room, place) {
  return room === '*' || place === room || place.startsWith(`${room}/`);
}

/** The room of a file; undefined for what is no source of a package. */
function placeOf(file) {
  const [, name, rest] = /^packages\/([^/]+)\/src\/(.+)$/.exec(file) ?? [];
  return name === undefined ? undefined : `${name}/${rest}`;
}

/** What a specifier in the file at `place` stands for: a room, or the name of a module. */
function targetOf(place, specifier) {
  if (specifier.startsWith('.'))
    return path.posix.join(path.posix.dirname(place), specifier).replace(/\.js$/, '.ts');
  const [, name, entry = ''] = /^@hotaru\/([^/]+)(\/.+)?$/.exec(specifier) ?? [];
  if (name !== undefined) return `${name}${entry}/index.ts`;
  return isBuiltin(specifier) && !specifier.startsWith('node:') ? `node:${specifier}` : specifier;
}

/** The lines of the table that an import breaks. */
function broken(place, target) {
  const isHeld = (rooms, what) => rooms.some((room) => holds(room, what));
  return DIRECTIONS.filter(
    ({ from, except = [], never, may }) =>
      isHeld(from, place) &&
      !isHeld(except, place) &&
      isHeld(never, target) &&
      !isHeld(may, target),
  );
}

const rule = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      broken: '{{ why }}. Not to be imported here: {{ target }} (eslint.directions.js).',
    },
  },
  create(context) {
    const file = path.relative(import.meta.dirname, context.filename).replaceAll(path.sep, '/');
    const place = placeOf(file);
    if (place === undefined) return {};
    const check = (source) => {
      if (typeof source?.value !== 'string') return;
      const target = targetOf(place, source.value);
      for (const { why } of broken(place, target))
        context.report({ node: source, messageId: 'broken', data: { why, target } });
    };
    return {
      ImportDeclaration: ({ source }) => check(source),
      ExportNamedDeclaration: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => check(source),
      TSImportType: ({ source }) => check(source), // import('…').Name
      TSExternalModuleReference: ({ expression }) => check(expression), // import x = require('…')
    };
  },
};

export const directions = { rules: { directions: rule } };
