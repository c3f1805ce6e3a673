/**
 * Did a TLS peer end its side with close_notify, or did the TCP connection just end?
 *
 * Node tells both as `'end'`. They differ in what the TCP handle below has seen: after close_notify it
 * is still reading (its FIN comes later or was not looked at), after a bare FIN libuv has stopped it.
 * `readStart()` on it answers UV_EALREADY in the first case and 0 in the second. It must be asked
 * while `'end'` is being emitted. `_parent` is not public: tests hold it on every Node we support, and
 * where it is missing the answer is no, so that nothing cut off can pass for whole.
 */
import type { Socket } from 'node:net';
import os from 'node:os';

interface TlsHandle {
  _parent?: { readStart?: () => number };
}

const UV_EALREADY = -os.constants.errno.EALREADY;

export function saidCloseNotify(socket: Socket): boolean {
  const handle = (socket as unknown as { _handle?: TlsHandle | null })._handle;
  return handle?._parent?.readStart?.() === UV_EALREADY;
}
