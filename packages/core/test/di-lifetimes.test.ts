/** Who may be given whom, who keeps what, and when it is disposed of. */
import { describe, expect, it } from 'vitest';
import {
  App,
  ConnectionPool,
  container,
  controller,
  delay,
  get,
  HttpContext,
  inject,
  injectable,
  injectAll,
  Lifecycle,
  LOGGER,
  scoped,
  singleton,
  type Logger,
} from '../src/index.js';
import { deferred, memoryLogger, RawClient, started, testApp } from './helpers.js';

const own = () => container.createChildContainer();

describe('a @singleton() class', () => {
  it('has one instance for each app, with what is that app’s', async () => {
    @singleton()
    class Service {
      constructor(
        readonly pool: ConnectionPool,
        @inject(LOGGER) readonly log: Logger,
      ) {}
    }
    const apps = [testApp({ pool: {} }), testApp({ pool: {} })] as const;
    for (const app of apps) {
      app.get('/', (ctx) => [
        ctx.resolve(Service) === app.container.resolve(Service),
        ctx.resolve(Service).pool === app.pool,
        ctx.resolve(Service).log === app.log,
      ]);
      for (let i = 0; i < 2; i++)
        expect(await (await app.inject({ path: '/' })).text()).toBe('[true,true,true]');
    }
    expect(apps[0].container.resolve(Service)).not.toBe(apps[1].container.resolve(Service));
  });

  it('may be replaced by a registration, of the app or above it, before and after the app is made', () => {
    @singleton()
    class Clock {
      readonly now: number = 1;
    }
    class FixedClock extends Clock {
      constructor(override readonly now: number) {
        super();
      }
    }
    const root = own();
    root.registerInstance(Clock, new FixedClock(2));
    const app = testApp({ container: root.createChildContainer() });
    expect(app.container.resolve(Clock).now).toBe(2);
    root.registerInstance(Clock, new FixedClock(3));
    expect(app.container.resolve(Clock).now).toBe(3);
    app.container.registerInstance(Clock, new FixedClock(4));
    expect(app.container.resolve(Clock).now).toBe(4);
  });

  it('is made by the app’s container also when a factory asks for it in a request', async () => {
    @singleton()
    class Service {
      constructor(@inject('who') readonly who: string) {}
    }
    const app = testApp();
    app.container.register('who', { useValue: 'the app' });
    app.container.register('through', { useFactory: (from) => from.resolve(Service) });
    app.get('/', (ctx) => ctx.resolve<Service>('through').who);
    expect(await (await app.inject({ path: '/' })).text()).toBe('the app');
  });

  it('of one app’s container is not shared by giving it to another app', () => {
    const shared = own();
    testApp({ container: shared });
    expect(() => new App({ logger: false, container: shared })).toThrow(
      'app.container is that of another app already',
    );
    expect(() => new App({ logger: false, container: {} as never })).toThrow(
      'app.container is no container that Hotaru knows',
    );
  });
});

describe('what lives longer is not given what lives shorter', () => {
  @scoped(Lifecycle.ContainerScoped)
  class CurrentUser {
    constructor(readonly ctx: HttpContext) {}
  }
  @injectable()
  class Between {
    constructor(readonly user: CurrentUser) {}
  }

  it.each([
    ['HttpContext', HttpContext],
    ['CurrentUser', CurrentUser],
  ])('a controller that all requests share, and %s: app.controller() names both', (name, held) => {
    @injectable()
    @controller('/x')
    class Shared {
      constructor(@inject(held) readonly held: object) {}
      @get() index() {
        return 'x';
      }
    }
    expect(() => testApp().controller(Shared)).toThrow(
      expect.objectContaining({
        code: 'HOTARU_INVALID_INJECTION',
        message: expect.stringMatching(
          new RegExp(
            `^Shared lives as long as the app, and is given ${name}, which is made for each`,
          ),
        ),
      }),
    );
  });

  it('a singleton, through a class between them: app.controller() names them all', () => {
    @singleton()
    class Cache {
      constructor(readonly between: Between) {}
    }
    @injectable()
    @controller()
    class Routes {
      constructor(readonly cache: Cache) {}
      @get('/') index() {
        return 'x';
      }
    }
    expect(() => testApp().controller(Routes)).toThrow(
      'Cache lives as long as the app, and is given CurrentUser, which is made for each request ' +
        '(through Cache → Between → CurrentUser)',
    );
  });

  it('what is registered later is found at the start', async () => {
    @injectable()
    @controller()
    class Routes {
      constructor(@inject('store') readonly store: object) {}
      @get('/') index() {
        return 'x';
      }
    }
    @injectable()
    class Store {
      constructor(readonly ctx: HttpContext) {}
    }
    const app = testApp();
    app.controller(Routes);
    app.container.registerSingleton('store', Store);
    await expect(app.start()).rejects.toThrow(
      'Store lives as long as the app, and is given HttpContext',
    );
  });

  it('ctx.resolve() refuses it too, each time: no request gets another’s context', async () => {
    @singleton()
    class Leaky {
      constructor(readonly ctx: HttpContext) {}
    }
    const app = testApp({ mode: 'development' });
    app.get('/<user>', (ctx) => String(ctx.resolve(Leaky).ctx.param('user')));
    for (const path of ['/ada', '/eve']) {
      const res = await app.inject({ path });
      expect(res.status).toBe(500);
      expect(await res.text()).toContain(
        'Leaky lives as long as the app, and is given HttpContext',
      );
    }
  });

  it('a singleton of the process, and the pool of an app', async () => {
    @injectable()
    class Global {
      constructor(readonly pool: ConnectionPool) {}
    }
    const root = own();
    root.registerSingleton(Global);
    const app = testApp({ container: root.createChildContainer(), mode: 'development' });
    app.get('/', (ctx) => String(ctx.resolve(Global).pool === app.pool));
    expect(await (await app.inject({ path: '/' })).text()).toContain(
      'Global is shared by all apps of the process, and is given ConnectionPool, which lives as long as the app',
    );
  });

  it('also not late, by delay(), nor in a list, by injectAll()', async () => {
    @scoped(Lifecycle.ContainerScoped)
    class User {
      readonly name = 'ada';
    }
    @singleton()
    class Late {
      constructor(@inject(delay(() => User)) readonly user: User) {}
    }
    @singleton()
    class Listed {
      constructor(@injectAll('users') readonly users: unknown[]) {}
    }
    const app = testApp();
    app.container.register('users', { useClass: User });
    app.container.register('users', { useValue: 'the last one, which is no class' });
    for (const type of [Late, Listed])
      for (let i = 0; i < 2; i++)
        expect(() => app.container.resolve<unknown>(type), type.name).toThrow(
          expect.objectContaining({
            code: 'HOTARU_INVALID_INJECTION',
            message: expect.stringContaining(
              `${type.name} lives as long as the app, and is given User`,
            ),
          }),
        );
    app.get('/', (ctx) => ctx.resolve(Late));
    expect((await app.inject({ path: '/' })).status).toBe(500);
  });

  it('a class per request may hold anything', async () => {
    @singleton()
    class Config {
      readonly name = 'config';
    }
    @scoped(Lifecycle.ContainerScoped)
    @controller()
    class PerRequest {
      constructor(
        readonly user: CurrentUser,
        readonly between: Between,
        readonly config: Config,
      ) {}
      @get('/') index(ctx: HttpContext) {
        return [
          this.user === this.between.user,
          this.user.ctx === ctx,
          this.config === ctx.resolve(Config),
        ];
      }
    }
    const app = testApp();
    app.controller(PerRequest);
    expect(await (await app.inject({ path: '/' })).text()).toBe('[true,true,true]');
  });
});

describe('what a container has made it disposes of', () => {
  const disposed: string[] = [];
  @scoped(Lifecycle.ContainerScoped)
  class First {
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      disposed.push('first');
    }
  }
  @scoped(Lifecycle.ContainerScoped)
  class Second {
    constructor(readonly first: First) {}
    [Symbol.dispose]() {
      disposed.push('second');
    }
    dispose() {
      disposed.push('twice');
    }
  }
  @scoped(Lifecycle.ContainerScoped)
  class Third {
    constructor(readonly second: Second) {}
    dispose() {
      disposed.push('third');
      throw new Error('no disk');
    }
  }
  @singleton()
  class Store {
    async [Symbol.asyncDispose]() {
      await new Promise(setImmediate);
      disposed.push('store');
    }
  }
  @injectable()
  @controller()
  class Routes {
    constructor(readonly store: Store) {}
    @get('/shared') index() {
      return 'x';
    }
    dispose() {
      disposed.push('routes');
    }
  }

  it('for a request when it is over, the last first, and not before its handler has returned', async () => {
    disposed.length = 0;
    const { log, lines } = memoryLogger();
    const work = deferred();
    const go = deferred();
    const reached = deferred();
    const late = deferred<unknown>();
    const app = testApp({ logger: log, drainTimeout: '1m' });
    app.get('/', async (ctx) => {
      ctx.resolve(Third);
      ctx.resolve(Store);
      ctx.waitUntil(work.promise);
      reached.resolve();
      await go.promise;
      void work.promise.then(async () => {
        while (disposed.length < 3) await new Promise(setImmediate);
        try {
          ctx.resolve(First);
        } catch (error) {
          late.resolve(error);
        }
      });
      return 'x';
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await reached.promise;
    raw.socket.destroy(); // the response is over, the handler is not
    await raw.closed;
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    expect(disposed).toEqual([]);
    go.resolve();
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    expect(disposed, 'work goes on').toEqual([]);
    work.resolve();
    expect(await late.promise).toMatchObject({ code: 'HOTARU_INVALID_STATE' });
    expect(disposed).toEqual(['third', 'second', 'first']);
    expect(lines.find((line) => line['level'] === 50)?.['msg']).toBe('disposing of Third failed');
    await app.stop();
    expect(disposed).toEqual(['third', 'second', 'first', 'store']);
  });

  it('for a request that a middleware answers early: not while its handler goes on', async () => {
    const events: string[] = [];
    const answered = deferred();
    const disposed = deferred();
    @scoped(Lifecycle.ContainerScoped)
    class Transaction {
      dispose() {
        events.push('disposed');
        disposed.resolve();
      }
    }
    const app = testApp();
    app.use((_ctx, next) => Promise.race([next(), Promise.resolve('early')]));
    app.get('/', async (ctx) => {
      ctx.resolve(Transaction);
      await answered.promise;
      events.push(ctx.resolve(Transaction) instanceof Transaction ? 'used' : '');
    });
    expect(await (await app.inject({ path: '/' })).text()).toBe('early');
    await new Promise((resolve) => setImmediate(resolve));
    answered.resolve();
    await disposed.promise;
    expect(events).toEqual(['used', 'disposed']);
  });

  it('whatever its constructor has returned: what cannot be disposed of is logged', async () => {
    @scoped(Lifecycle.ContainerScoped)
    class Odd {
      readonly odd = true;
      constructor() {
        const dispose = (): void => {
          throw new Error('no');
        };
        return Object.assign(Object.create(null) as Odd, { dispose });
      }
    }
    const { log, lines } = memoryLogger();
    const app = testApp({ logger: log });
    app.get('/', (ctx) => {
      ctx.resolve(Odd);
      return 'ok';
    });
    expect(await (await app.inject({ path: '/' })).text()).toBe('ok');
    await app.stop();
    expect(lines.map(({ msg }) => msg)).toContain('disposing of an instance failed');
  });

  it('for the app when it has drained, the last first, before its pool is closed', async () => {
    disposed.length = 0;
    let wasOpen: boolean | undefined;
    const app = testApp({ pool: {} });
    @singleton()
    class Reporter {
      dispose() {
        wasOpen = !app.pool.closed;
      }
    }
    app.controller(Routes);
    const given = { dispose: () => disposed.push('given') };
    app.container.registerInstance('given', given);
    await app.start();
    app.container.resolve(Reporter);
    app.container.resolve('given');
    await app.stop();
    expect(disposed).toEqual(['routes', 'store']);
    expect(wasOpen).toBe(true);
  });

  it('within drainTimeout: one that hangs does not hold the app', async () => {
    @singleton()
    class Hangs {
      dispose() {
        return new Promise(() => undefined);
      }
    }
    const { log, lines } = memoryLogger();
    const app = testApp({ drainTimeout: 50, logger: log });
    app.container.resolve(Hangs);
    await app.stop();
    expect(lines.at(-1)?.['msg']).toContain('not disposed of within drainTimeout');
  });
});

/** As a compiler for standard decorators hands it over. */
class Standard {
  readonly isOne = true;
}

describe('a class without metadata', () => {
  /** As esbuild and tsx leave it: decorated, and nothing said of its parameters. */
  function compiledWithoutMetadata() {
    class Routes {
      constructor(
        readonly pool: ConnectionPool,
        readonly log: Logger,
      ) {}
      index() {
        return String(this.pool instanceof ConnectionPool && 'info' in this.log);
      }
    }
    get('/')(Routes.prototype, 'index');
    controller()(Routes);
    return Routes;
  }

  it('fails in app.controller(), which says what to do', () => {
    const Routes = compiledWithoutMetadata();
    injectable()(Routes);
    const error = (() => {
      try {
        testApp().controller(Routes);
      } catch (thrown) {
        return thrown as Error;
      }
      return undefined;
    })();
    expect(error).toMatchObject({ code: 'HOTARU_INVALID_INJECTION' });
    for (const part of [
      'Routes has a constructor with 2 parameters',
      '"experimentalDecorators": true and "emitDecoratorMetadata": true',
      'esbuild and tsx emit no metadata',
      '@inject(Token)',
      'app.controller((container) => new Routes(',
    ])
      expect(error?.message).toContain(part);
  });

  it('also when some parameters have @inject(), and says which one has none', () => {
    for (const [injected, missing] of [
      [1, 1],
      [0, 2],
    ] as const) {
      const Routes = compiledWithoutMetadata();
      inject(LOGGER)(Routes, undefined, injected);
      injectable()(Routes);
      expect(() => testApp().controller(Routes)).toThrow(
        new RegExp(
          `^parameter ${missing} of the constructor of Routes has no @inject\\(Token\\), and the compiler left no metadata .*tsx emit no metadata`,
        ),
      );
    }
  });

  it('works with @inject() on each parameter, with a factory, with a registration', async () => {
    const decorated = compiledWithoutMetadata();
    inject(ConnectionPool)(decorated, undefined, 0);
    inject(LOGGER)(decorated, undefined, 1);
    injectable()(decorated);
    const one = testApp();
    one.controller(decorated);
    const two = testApp();
    const Plain = compiledWithoutMetadata();
    two.controller((from) => new Plain(from.resolve(ConnectionPool), from.resolve(LOGGER)));
    const three = testApp();
    const Registered = compiledWithoutMetadata();
    three.container.register(Registered, {
      useFactory: (from) => new Registered(from.resolve(ConnectionPool), from.resolve(LOGGER)),
    });
    three.controller(Registered);
    for (const app of [one, two, three])
      expect(await (await app.inject({ path: '/' })).text()).toBe('true');
  });

  it('that is only not @injectable(), or names no class, is told so', () => {
    @controller()
    class Bare {
      constructor(readonly pool: ConnectionPool) {}
      @get('/') index() {
        return 'x';
      }
    }
    expect(() => testApp().controller(Bare)).toThrow(
      'Bare has a constructor with 1 parameter, and is not decorated with @injectable()',
    );
    @injectable()
    @controller()
    class Interface {
      constructor(readonly log: Logger) {}
      @get('/') index() {
        return 'x';
      }
    }
    expect(() => testApp().controller(Interface)).toThrow(
      'parameter 1 of the constructor of Interface names no class',
    );
  });

  it.each([
    [
      'controller',
      () =>
        (controller('/x') as unknown as (...args: unknown[]) => void)(Standard, { kind: 'class' }),
    ],
    [
      'get',
      () => (get('/x') as (...args: unknown[]) => void)(() => 'x', { kind: 'method', name: 'x' }),
    ],
    ['singleton', () => (singleton() as (...args: unknown[]) => void)(Standard, { kind: 'class' })],
    [
      'injectable',
      () => (injectable() as (...args: unknown[]) => void)(Standard, { kind: 'class' }),
    ],
  ])('of standard decorators is told so by @%s', (name, decorate) => {
    expect(decorate).toThrow(
      new RegExp(`^@${name}.* was compiled as a standard \\(TC39\\) decorator`),
    );
    expect(decorate).toThrow('"experimentalDecorators": true');
  });
});

describe('the context of a controller’s method', () => {
  it('has the params of its pattern: the compiler checks', () => {
    class Routes {
      @get('/<int:id>') right(ctx: HttpContext<{ id: number }>) {
        return ctx.param('id');
      }
      @get('/<int:id>/<name>') withPrefix(ctx: HttpContext<{ id: number; org: string }>) {
        return ctx.param('org');
      }
      @get('/any/<int:id>') untyped(ctx: HttpContext) {
        return ctx.param('id');
      }
      @get('/none') none() {
        return 'x';
      }
      // @ts-expect-error id is a number
      @get('/wrong/<int:id>') wrong(ctx: HttpContext<{ id: string }>) {
        return ctx.param('id');
      }
      // @ts-expect-error a method is given the context, not a param
      @get('/param/<int:id>') param(id: number) {
        return id;
      }
    }
    expect(new Routes()).toBeInstanceOf(Routes);
  });
});
