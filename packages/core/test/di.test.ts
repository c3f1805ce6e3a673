import { describe, expect, it } from 'vitest';
import {
  any,
  App,
  ConnectionPool,
  container,
  controller,
  del,
  endpoint,
  get,
  HttpContext,
  inject,
  injectable,
  Lifecycle,
  LOGGER,
  post,
  scoped,
  singleton,
  type Logger,
} from '../src/index.js';
import { testApp } from './helpers.js';

async function body(app: App, path: string, method = 'GET') {
  return (await app.inject({ method, path })).text();
}

describe('app.controller()', () => {
  it('makes a decorated class through the container, once, and binds its methods', async () => {
    let made = 0;
    @injectable()
    class Names {
      readonly name = 'Ada';
    }
    @injectable()
    @controller('/users')
    class UserRoutes {
      constructor(
        private readonly names: Names,
        private readonly pool: ConnectionPool,
      ) {
        made++;
      }
      @get() list() {
        return [this.names.name];
      }
      @get('/<int:id>') one(ctx: HttpContext<{ id: number }>) {
        return { id: ctx.param('id'), samePool: this.pool === ctx.pool };
      }
      @post('/') create() {
        return 'created';
      }
      @del('/<int:id>') remove() {
        return 'removed';
      }
      @endpoint('/both', { methods: ['PUT', 'PATCH'] }) both(ctx: HttpContext) {
        return ctx.method;
      }
      @any('/any') any() {
        return 'any';
      }
    }
    const app = testApp({ pool: {} });
    app.controller(UserRoutes);
    expect(made, 'not before it is needed').toBe(0);
    expect(await body(app, '/users')).toBe('["Ada"]');
    expect(await body(app, '/users/7')).toBe('{"id":7,"samePool":true}');
    expect(await body(app, '/users/', 'POST')).toBe('created');
    expect(await body(app, '/users/7', 'DELETE')).toBe('removed');
    expect(await body(app, '/users/both', 'PATCH')).toBe('PATCH');
    expect(await body(app, '/users/any', 'PURGE')).toBe('any');
    expect(made).toBe(1);
  });

  it('puts one slash between prefix and pattern; "/" is the prefix itself, with a slash and without', async () => {
    @controller('/users')
    class Slashes {
      @get('list') list(ctx: HttpContext) {
        return ctx.pattern;
      }
      @post('/') create(ctx: HttpContext) {
        return ctx.pattern;
      }
      @get('') bare() {
        return 'bare';
      }
      @get('/') slash() {
        return 'slash';
      }
    }
    const app = testApp();
    app.controller(new Slashes());
    expect(await body(app, '/users/list')).toBe('/users/list');
    expect(await body(app, '/users', 'POST')).toBe('/users');
    expect(await body(app, '/users/', 'POST')).toBe('/users/');
    expect(await body(app, '/users')).toBe('bare');
    expect(await body(app, '/users/')).toBe('slash');
    expect((await app.inject({ path: '/userslist' })).status).toBe(404);
  });

  it('makes it at the start, so that what cannot be made fails there', async () => {
    @injectable()
    @controller()
    class Broken {
      constructor(@inject('never registered') readonly missing: object) {}
      @get('/') index() {
        return 'x';
      }
    }
    const app = testApp();
    app.controller(Broken);
    await expect(app.start()).rejects.toThrow('never registered');
    expect(app.state).toBe('idle');
  });

  it('finds at the start what a class for each request, or what that is given, needs and is not registered', async () => {
    @injectable()
    class Inner {
      constructor(
        @inject('optional', { isOptional: true }) readonly optional: object | undefined,
        @inject('settings') readonly settings: object,
      ) {}
    }
    @scoped(Lifecycle.ContainerScoped)
    @controller()
    class Needy {
      constructor(
        readonly ctx: HttpContext,
        readonly inner: Inner,
      ) {}
      @get('/') index() {
        return this.inner.settings;
      }
    }
    const app = testApp();
    app.controller(Needy);
    await expect(app.start()).rejects.toMatchObject({
      code: 'HOTARU_INVALID_INJECTION',
      message:
        'parameter 2 of the constructor of Inner is @inject("settings"), which is not registered: ' +
        'app.container.registerInstance("settings", value)',
    });
    app.container.registerInstance('settings', { a: 1 });
    await app.start();
    expect(await body(app, '/')).toBe('{"a":1}');
  });

  it('makes one per request when the class is scoped, also when it was decorated after the app was made', async () => {
    const app = testApp();
    let made = 0;
    @scoped(Lifecycle.ContainerScoped)
    class Counter {
      readonly number = ++made;
    }
    @scoped(Lifecycle.ContainerScoped)
    @controller()
    class PerRequest {
      constructor(
        readonly counter: Counter,
        readonly ctx: HttpContext,
      ) {}
      @get('/<x>') index(ctx: HttpContext<{ x: string }>) {
        return [this.counter.number, ctx.resolve(Counter).number, this.ctx === (ctx as unknown)];
      }
    }
    app.controller(PerRequest);
    expect(await body(app, '/a')).toBe('[1,1,true]');
    expect(await body(app, '/b')).toBe('[2,2,true]');
  });

  it('makes one per request when the registration says so', async () => {
    let made = 0;
    @controller()
    class Plain {
      readonly number = ++made;
      @get('/') index() {
        return String(this.number);
      }
    }
    const own = container.createChildContainer();
    own.register(Plain, { useClass: Plain }, { lifecycle: Lifecycle.ContainerScoped });
    const app = testApp({ container: own });
    app.controller(Plain);
    expect([await body(app, '/'), await body(app, '/')]).toEqual(['1', '2']);
  });

  it('takes an instance or a factory, without metadata', async () => {
    class Plain {
      constructor(readonly name: string) {}
      index() {
        return this.name;
      }
    }
    controller('/plain')(Plain);
    get('/<x>')(Plain.prototype, 'index');
    const one = testApp();
    one.controller(new Plain('instance'));
    expect(await body(one, '/plain/x')).toBe('instance');
    const two = testApp();
    two.controller((from) => new Plain(from.resolve(App) === two ? 'factory' : 'wrong'));
    expect(await body(two, '/plain/x')).toBe('factory');
  });

  it('inherits endpoints, middleware and prefix; a method decorated again replaces the base’s', async () => {
    @controller('/base', { middleware: [async (_ctx, next) => ['wrapped', (await next()).body]] })
    class Base {
      @get('/a') a() {
        return 'base a';
      }
      @get('/b') b() {
        return 'base b';
      }
    }
    class Derived extends Base {
      @get('/b', { middleware: [] }) override b() {
        return 'derived b';
      }
    }
    const app = testApp();
    app.controller(new Derived());
    expect(await body(app, '/base/a')).toBe('["wrapped","base a"]');
    expect(await body(app, '/base/b')).toBe('derived b');
  });

  it('refuses what has no endpoints', () => {
    const app = testApp();
    class Empty {
      notDecorated = true;
    }
    class Field {
      index = 5;
    }
    get('/')(Field.prototype, 'index');
    expect(() => app.controller(Empty)).toThrow('Empty has no endpoints; decorate its methods');
    expect(() => app.controller(new Empty())).toThrow('Empty has no endpoints');
    expect(() => app.controller(() => 5 as never)).toThrow('number is no controller');
    expect(() => app.controller(Field)).toThrow('Field.index is no method');
    expect(() => controller('users')).toThrow('the prefix of a controller is "users"');
    expect(() => get('/', { schema: 1 } as never)).toThrow('endpoint.schema (1) is not an option');
  });
});

describe('the container', () => {
  it('has the pool, the logger and the app', async () => {
    @injectable()
    class Service {
      constructor(
        @inject(ConnectionPool) readonly pool: ConnectionPool,
        @inject(LOGGER) readonly log: Logger,
        @inject(App) readonly app: App,
      ) {}
    }
    const app = testApp({ pool: { maxPerHost: 3 } });
    app.get('/', (ctx) => {
      const service = ctx.resolve(Service);
      return [service.pool === app.pool, service.log === app.log, service.app === app];
    });
    expect(await body(app, '/')).toBe('[true,true,true]');
  });

  it('of one app is not that of another', () => {
    const one = testApp({ pool: {} });
    const two = testApp({ pool: {} });
    expect(one.container.resolve(ConnectionPool)).toBe(one.pool);
    expect(two.container.resolve(ConnectionPool)).toBe(two.pool);
    expect(container.isRegistered(ConnectionPool), 'the global one stays as it was').toBe(false);
  });

  it('keeps singletons across requests', async () => {
    let made = 0;
    @singleton()
    class Single {
      readonly number = ++made;
    }
    const app = testApp();
    app.get('/', (ctx) => String(ctx.resolve(Single).number));
    expect([await body(app, '/'), await body(app, '/')]).toEqual(['1', '1']);
  });

  it('of the user’s own is where things are registered', () => {
    const own = container.createChildContainer();
    const app = testApp({ container: own });
    expect(own.resolve(App)).toBe(app);
    expect(app.container).toBe(own);
  });
});

describe('ctx.params and ctx.locals', () => {
  it('keep values by class and by name; take removes', async () => {
    class User {
      constructor(readonly name: string) {}
    }
    class Admin extends User {}
    const app = testApp();
    app.use((ctx, next) => {
      ctx.params.set(new Admin('root')).set(User, new Admin('ada'));
      ctx.locals.set('n', 1);
      return next();
    });
    app.get('/', (ctx) => [
      ctx.params.get(User)?.name,
      ctx.params.take(Admin)?.name,
      ctx.params.has(Admin),
      ctx.params.get(Map) ?? null,
      ctx.locals.take<number>('n'),
      ctx.locals.has('n'),
      ctx.locals.get('constructor') ?? null,
    ]);
    expect(await body(app, '/')).toBe('["ada","root",false,null,1,false,null]');
  });
});
