import { createServer } from 'node:net';

/** Whether nobody listens on this port of 127.0.0.1 now. Another program may take it at the next moment. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
