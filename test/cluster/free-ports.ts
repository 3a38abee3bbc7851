import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below what Linux gives to connections, which else take the port of a server that is away for a while. */
const first = 20_000;
const count = 12_000;

/** Ports of this machine that were free a moment ago, all different. */
export async function freePorts(wanted: number): Promise<number[]> {
  const found = new Map<number, Server>();
  while (found.size < wanted) {
    const port = first + Math.floor(Math.random() * count);
    if (found.has(port)) continue;
    const server = createServer();
    const outcome = await Promise.race([
      once(server.listen(port, '127.0.0.1'), 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false);
    if (outcome) found.set(port, server);
  }
  await Promise.all([...found.values()].map((server) => once(server.close(), 'close')));
  return [...found.keys()];
}
