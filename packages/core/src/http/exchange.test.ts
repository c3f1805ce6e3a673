import { afterEach, describe, expect, it, vi } from 'vitest';
import { fakeExchange, fakeServices, FakeInbound } from '../../test/fake-inbound.js';
import { Dispatcher } from '../dispatcher.js';
import { Endpoint, type Handler } from '../endpoint/endpoint.js';
import { HttpSafety, type HttpSafetyOptions } from './request/safety.js';
import { HttpResponse } from './response/response.js';
import { writeResponse } from './response/write-response.js';

const accessLines = (lines: Record<string, unknown>[]) =>
  lines.filter(({ msg }) => msg === 'request' || msg === 'a request was refused');

function answered(response = new HttpResponse('hello', 'text/plain'), takesAll = true) {
  const parts = fakeExchange();
  const { inbound, exchange } = parts;
  inbound.takesAll = takesAll;
  expect(exchange.answer()).toBe(true);
  const isAllSent = writeResponse(exchange, exchange.respond(response));
  if (isAllSent === true) exchange.finish();
  else exchange.written();
  return parts;
}

describe('an exchange', () => {
  it('is open, answered, finished, and says yes to one answer', () => {
    const { inbound, exchange, lines } = fakeExchange();
    expect(exchange.state).toBe('open');
    expect(exchange.answer()).toBe(true);
    expect(exchange.answer()).toBe(false);
    expect(exchange.state).toBe('answered');
    expect(writeResponse(exchange, exchange.respond('hello'))).toBe(true);
    exchange.finish();
    exchange.finish();
    expect(exchange.state).toBe('finished');
    expect(inbound.calls).toEqual(['respond']);
    expect(accessLines(lines)).toMatchObject([{ status: 200, bytes: 5, outcome: 'sent' }]);
  });

  it('is written until the client has taken all of it', () => {
    const { inbound, exchange, lines } = answered(undefined, false);
    expect(exchange.state).toBe('written');
    expect(lines).toEqual([]);
    inbound.drain();
    expect(exchange.state).toBe('finished');
    expect(accessLines(lines)).toMatchObject([{ status: 200, outcome: 'sent' }]);
  });

  it('that is written and then taken is sent, even if the drain had begun to cut it', () => {
    const { inbound, exchange, lines } = answered(undefined, false);
    exchange.drainTimedOut(new Error('stop'));
    inbound.drain();
    expect(accessLines(lines)).toMatchObject([{ status: 200, outcome: 'sent' }]);
  });

  it.each([
    ['open', () => fakeExchange(), 499],
    ['written', () => answered(undefined, false), 200],
  ])('that is %s when its client leaves is over, once', (_state, enter, status) => {
    const { inbound, exchange, lines } = enter();
    const { scope } = exchange;
    inbound.leave();
    expect(exchange.state).toBe('finished');
    expect(exchange.isGone).toBe(true);
    if (status === 499) expect(scope.signal.reason).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
    exchange.gone('left');
    expect(accessLines(lines)).toMatchObject([{ status, outcome: 'client-left' }]);
  });

  it('whose client takes nothing is cut with the reason; the one to blame says so', () => {
    for (const isLate of [true, false]) {
      const { inbound, exchange, lines } = fakeExchange();
      const { signal } = exchange.scope;
      const late = isLate ? inbound : new FakeInbound();
      inbound.leave({ late, timeoutMs: 50, unsentBytes: 7 });
      expect(signal.reason).toMatchObject({ code: 'HOTARU_WRITE_TIMEOUT' });
      const warnings = lines.filter(({ level }) => level === 40);
      expect(warnings).toMatchObject(isLate ? [{ writeTimeout: 50, unsentBytes: 7 }] : []);
      expect(accessLines(lines)).toMatchObject([{ outcome: 'cut' }]);
    }
  });

  it('is reopened for an error once, and only while no head is out', () => {
    const { exchange } = fakeExchange();
    expect(exchange.reopen()).toBe(false);
    exchange.answer();
    expect(exchange.reopen()).toBe(true);
    exchange.answer();
    expect(exchange.reopen()).toBe(false);
    const begun = fakeExchange();
    begun.exchange.answer();
    begun.inbound.begin(200, [], undefined);
    expect(begun.exchange.reopen()).toBe(false);
  });

  it('asks for the end of the connection when its body failed, or the app is stopping', () => {
    const failed = fakeExchange({ method: 'POST', bodyLength: 5 });
    failed.exchange.failBody(new Error('broken'));
    failed.exchange.answer();
    void writeResponse(failed.exchange, failed.exchange.respond('no'));
    expect(failed.inbound.calls).toEqual(['closeAfter', 'respond']);

    const stopping = fakeExchange();
    stopping.services.draining.closeConnections();
    stopping.exchange.answer();
    void writeResponse(stopping.exchange, stopping.exchange.respond('bye'));
    expect(stopping.inbound.calls).toEqual(['closeAfter', 'respond']);
  });

  it.each([
    ['HEAD', 200, '5'],
    ['GET', 204, undefined],
    ['GET', 304, undefined],
  ])('sends no body to %s with %i', (method, status, length) => {
    const { inbound, exchange } = fakeExchange({ method });
    exchange.answer();
    void writeResponse(
      exchange,
      exchange.respond(new HttpResponse('hello', 'text/plain', { status })),
    );
    expect(inbound.sent).toBe('');
    const at = inbound.sentFields.indexOf('content-length');
    expect(at < 0 ? undefined : inbound.sentFields[at + 1]).toBe(length);
  });

  it('hands every value of a field over as a line of its own', () => {
    const { inbound, exchange } = fakeExchange();
    exchange.answer();
    const headers = { 'set-cookie': ['a=1', 'b=2'], 'x-a': '1' };
    void writeResponse(exchange, exchange.respond(new HttpResponse(null, undefined, { headers })));
    expect(inbound.sentFields).toEqual(
      expect.arrayContaining(['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-a', '1']),
    );
  });
});

describe('the dispatcher, with requests that no socket has brought', () => {
  afterEach(() => void vi.useRealTimers());

  function served(handler: Handler<never>, options: HttpSafetyOptions = {}) {
    const { services, lines } = fakeServices();
    const safety = new HttpSafety(options);
    const dispatcher = new Dispatcher(services, safety);
    const endpoint = new Endpoint('/', {}, handler, safety, dispatcher.middleware);
    dispatcher.router.add(endpoint.pattern, ['GET', 'POST'], endpoint);
    const accept = (inbound: FakeInbound): FakeInbound => {
      dispatcher.accept(inbound);
      return inbound;
    };
    return { accept, dispatcher, services, lines };
  }

  it('a handler without a promise is answered before accept() returns', () => {
    const { accept } = served(() => 'hello');
    expect(accept(new FakeInbound())).toMatchObject({ status: 200, sent: 'hello', answer: 'sent' });
  });

  it('a deadline answers in the place of the handler, and what that says later is dropped', async () => {
    vi.useFakeTimers();
    let finish: (text: string) => void = () => undefined;
    const { accept } = served(() => new Promise<string>((resolve) => (finish = resolve)), {
      requestTimeout: 100,
    });
    const inbound = accept(new FakeInbound());
    await vi.advanceTimersByTimeAsync(100);
    expect(inbound).toMatchObject({ status: 504, answer: 'sent' });
    finish('late');
    await vi.advanceTimersByTimeAsync(0);
    expect(inbound.calls).toEqual(['respond']);
    expect(vi.getTimerCount()).toBe(1); // that of the log, for requests that stay unanswered
  });

  it('at the end of the drain, what has no answer has a 503, and what has begun one is cut', async () => {
    const { accept, dispatcher, lines } = served(({ method }) =>
      method === 'GET'
        ? new Promise(() => undefined)
        : (async function* () {
            yield 'part';
            await new Promise(() => undefined);
          })(),
    );
    const open = accept(new FakeInbound());
    const streaming = accept(new FakeInbound({ method: 'POST' }));
    await new Promise((resolve) => setImmediate(resolve));
    dispatcher.cutAll();
    expect(open).toMatchObject({ status: 503, answer: 'sent' });
    expect(streaming).toMatchObject({ status: 200, sent: 'part', answer: 'cut' });
    expect(accessLines(lines).map(({ outcome }) => outcome)).toEqual(['drain-cut', 'drain-cut']);
  });

  it('a client that left before the handler answers is not answered', async () => {
    let finish: (text: string) => void = () => undefined;
    const { accept, lines } = served(() => new Promise<string>((resolve) => (finish = resolve)));
    const inbound = accept(new FakeInbound());
    inbound.leave();
    finish('late');
    await new Promise((resolve) => setImmediate(resolve));
    expect(inbound.calls).toEqual([]);
    expect(accessLines(lines)).toMatchObject([{ status: 499, outcome: 'client-left' }]);
  });
});
