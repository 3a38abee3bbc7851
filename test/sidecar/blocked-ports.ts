import { type AddressInfo, createServer, type Server } from 'node:net';
import { ownLoopback } from './own-loopback.ts';

const blockers = new Set<Server>();

/** Takes a port of loopback, as another program would; closing the server frees it. */
export async function block(
  prepare: (server: Server) => void = () => {},
): Promise<{ server: Server; address: string }> {
  const server = createServer();
  // Whoever connects may go away by a reset.
  server.on('connection', (socket) => socket.on('error', () => {}));
  prepare(server);
  blockers.add(server);
  await new Promise<void>((resolve) => server.listen(0, ownLoopback, resolve));
  return { server, address: `${ownLoopback}:${(server.address() as AddressInfo).port}` };
}

export function freeAll(): void {
  for (const server of blockers) server.close();
  blockers.clear();
}
