import type { Keepalive } from '../http2/liveness.ts';

/** Milliseconds of a clock that only goes forward. */
export const nowMs = (): number => performance.now();

/** Milliseconds since 1970, which certificates are valid by. */
export const wallTimeMs = (): number => Date.now();

/** How often connections are tended. */
export const tendEveryMs = 5_000;

/** A client detects within twenty seconds, and a server within a minute, a peer that vanished without closing its socket. */
export const keepalive: { readonly client: Keepalive; readonly server: Keepalive } = {
  client: { idleMs: 10_000, timeoutMs: 10_000 },
  server: { idleMs: 30_000, timeoutMs: 20_000 },
};
