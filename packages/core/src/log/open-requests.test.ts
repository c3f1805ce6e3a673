import { expect, it } from 'vitest';
import { OpenRequests, type Listed } from './open-requests.js';

interface Request extends Listed<Request> {
  readonly name: string;
}

function request(name: string): Request {
  return { name, isOpen: false, openedBefore: undefined, openedAfter: undefined };
}

it('lists the oldest first, each once, and forgets what is removed from anywhere', () => {
  const open = new OpenRequests<Request>();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(request) as [Request, Request, Request, Request];
  const names = () => [...open].map(({ name }) => name).join('');
  for (const one of [a, b, b, c, d]) open.add(one);
  expect([names(), open.size]).toEqual(['abcd', 4]);
  open.remove(b);
  open.remove(b);
  expect([names(), open.size]).toEqual(['acd', 3]);
  open.remove(a);
  open.remove(d);
  expect([names(), open.size]).toEqual(['c', 1]);
  open.add(b);
  expect(names()).toBe('cb');
  open.remove(c);
  open.remove(b);
  expect([names(), open.size]).toEqual(['', 0]);
});

it('leaves no link on what is removed: an old request keeps no younger one alive', () => {
  const open = new OpenRequests<Request>();
  const first = request('first');
  open.add(first);
  open.add(request('second'));
  open.remove(first);
  expect([first.openedBefore, first.openedAfter, first.isOpen]).toEqual([
    undefined,
    undefined,
    false,
  ]);
});

it('goes on behind a request that is removed while it is handed out', () => {
  const open = new OpenRequests<Request>();
  for (const name of ['a', 'b', 'c']) open.add(request(name));
  const seen: string[] = [];
  for (const one of open) {
    seen.push(one.name);
    open.remove(one);
  }
  expect([seen.join(''), open.size]).toEqual(['abc', 0]);
});
