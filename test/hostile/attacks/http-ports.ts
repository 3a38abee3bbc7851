import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Attack } from '../attack.ts';

/** The time of this many rounds of the honest client is what the attacked process has to come to harm. */
const rounds = 50;

export const attacks: readonly Attack[] = [
  {
    name: '1,500 pipelined GET /metrics on one connection that nobody reads',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const socket = await pipelineUnread(sidecar.healthUrl, '/metrics', 1_500);
      await honest.rounds(rounds);
      socket.destroy();
    },
  },
  {
    name: '8,000 pipelined GET /metrics on each of two connections that nobody reads',
    target: 'bus',
    async run({ bus, honest }) {
      const sockets = await Promise.all([1, 2].map(() => pipelineUnread(bus.metricsUrl, '/metrics', 8_000)));
      await honest.rounds(rounds);
      for (const socket of sockets) socket.destroy();
    },
  },
];

/** Sends the requests and reads no answer; what the server cuts off is no failure of an attacker. */
async function pipelineUnread(url: string, path: string, requests: number): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  await once(socket, 'connect');
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`.repeat(requests));
  return socket;
}
