/** Debian's nghttpd and nghttpx: an HTTP/2 server and a proxy, on nghttp2, the library that curl uses, too. */
import { ServerProcess } from '../../../wire/test/support/server-process.js';
import type { KeyAndCertificate } from '../certificates.js';

/** What stands in the folder of a server with TLS. */
function keyFiles(tls: KeyAndCertificate | undefined): Record<string, string> {
  return tls === undefined ? {} : { 'tls.key': tls.key, 'tls.crt': tls.cert };
}

export interface NghttpdOptions {
  /** Served under `/`, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: readonly string[];
  /** Without it, HTTP/2 by prior knowledge. */
  readonly tls?: KeyAndCertificate;
  /** That of the one before: a restart. */
  readonly port?: number;
}

/** Serves files, and echoes what is posted. Its log has a line for each frame. */
export class Nghttpd implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #server: ServerProcess;

  private constructor(server: ServerProcess, isSecure: boolean) {
    this.#server = server;
    this.port = server.port;
    this.url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  static async start(options: NghttpdOptions = {}): Promise<Nghttpd> {
    const { files, args = [], tls, port } = options;
    const server = await ServerProcess.start({
      program: 'nghttpd',
      portCount: 1,
      files: { ...files, ...keyFiles(tls) },
      ...(port === undefined ? {} : { ports: [port] }),
      args: (folder, [listenOn = 0]) => [
        ...['--verbose', '--echo-upload', '--address=127.0.0.1', `--htdocs=${folder}`, ...args],
        ...(tls === undefined
          ? ['--no-tls', String(listenOn)]
          : [String(listenOn), `${folder}/tls.key`, `${folder}/tls.crt`]),
      ],
    });
    return new Nghttpd(server, tls !== undefined);
  }

  /** What it has logged. */
  get log(): string {
    return this.#server.output;
  }

  /** Connections on which a frame came: not the one that saw whether it listens. */
  get connectionCount(): number {
    return new Set(
      this.log.match(/^\[id=\d+\] \[[^\]]*\] recv /gm)?.map((line) => /\d+/.exec(line)?.[0]),
    ).size;
  }

  /** The paths of all requests, in the order in which it read them. */
  get paths(): string[] {
    return [...this.log.matchAll(/recv \(stream_id=\d+\) :path: (.*)/g)].map(
      ([, path = '']) => path,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

export interface NghttpxOptions {
  /** The port of what it forwards to. */
  readonly backendPort: number;
  /** What it speaks to it. */
  readonly backendProtocol: 'http/1.1' | 'h2';
  readonly args?: readonly string[];
  readonly tls?: KeyAndCertificate;
}

/** A reverse proxy in front of one backend. Its log has a line for each request. */
export class Nghttpx implements AsyncDisposable {
  readonly url: string;
  readonly #server: ServerProcess;

  private constructor(server: ServerProcess, isSecure: boolean) {
    this.#server = server;
    this.url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${server.port}`;
  }

  static async start(options: NghttpxOptions): Promise<Nghttpx> {
    const { backendPort, backendProtocol, args = [], tls } = options;
    const server = await ServerProcess.start({
      program: 'nghttpx',
      portCount: 1,
      files: keyFiles(tls),
      args: (folder, [port = 0]) => [
        // In one process, which is ours to end; and nothing of the machine's own configuration.
        ...['--conf=/dev/null', '--single-process', '--workers=1', '--no-ocsp'],
        ...['--accesslog-file=/dev/stdout', '--accesslog-format=request from $remote_port'],
        `--backend=127.0.0.1,${backendPort};;proto=${backendProtocol}`,
        `--frontend=127.0.0.1,${port}${tls === undefined ? ';no-tls' : ''}`,
        ...args,
        ...(tls === undefined ? [] : [`${folder}/tls.key`, `${folder}/tls.crt`]),
      ],
    });
    return new Nghttpx(server, tls !== undefined);
  }

  get log(): string {
    return this.#server.output;
  }

  get connectionCount(): number {
    return new Set(this.log.match(/request from \d+/g)).size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
