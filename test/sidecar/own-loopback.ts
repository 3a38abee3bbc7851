import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

const { pid } = process;

/**
 * A loopback address that no other process of the tests uses: a port that was freed on it is still free when it is taken again.
 * Linux takes all of 127.0.0.0/8 for loopback.
 */
export const ownLoopback = `127.${64 + ((pid >> 16) & 63)}.${(pid >> 8) & 255}.${pid & 255}`;

/** A free port on it, for programs that are told the port before any of them listens, so that 0 would not do. */
export async function ownFreeAddress(): Promise<string> {
  const server = createServer().listen(0, ownLoopback);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `${ownLoopback}:${port}`;
}
