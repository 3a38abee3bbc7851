import type { Socket } from 'node:net';

/** The other end of a socket as `host:port`, with brackets around an IPv6 address. */
export function addressOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
}
