import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { Attack } from '../attack.ts';
import { whileServed } from '../while-served.ts';

/** The time of this many rounds of the honest client is what the attacked process has to come to harm. */
const rounds = 50;
const scrapers = { rounds, attackers: 64 };
const scrape = 'GET /metrics HTTP/1.1\r\nHost: sidecar\r\n\r\n';

export const attacks: readonly Attack[] = [
  {
    name: '1,500 pipelined GET /metrics on one connection that nobody reads',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const socket = await pipelineUnread(sidecar.healthUrl, 1_500);
      await honest.rounds(rounds);
      socket.destroy();
    },
  },
  {
    name: '8,000 pipelined GET /metrics on each of two connections that nobody reads',
    target: 'bus',
    async run({ bus, honest }) {
      const sockets = await Promise.all([1, 2].map(() => pipelineUnread(bus.metricsUrl, 8_000)));
      await honest.rounds(rounds);
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: '2,000 pipelined GET /metrics on each of 500 connections that nobody reads',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const sockets = await Promise.all(Array.from({ length: 500 }, () => pipelineUnread(sidecar.healthUrl, 2_000)));
      await honest.rounds(rounds);
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: 'GET /metrics on new connections without end, 64 at a time',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const scrapes = await whileServed(honest, scrapers, () => scrapeOnce(sidecar.healthUrl));
      expect(scrapes).toBeGreaterThan(scrapers.attackers);
    },
  },
  {
    name: 'GET /metrics on new connections without end, 64 at a time',
    target: 'bus',
    async run({ bus, honest }) {
      const scrapes = await whileServed(honest, scrapers, () => scrapeOnce(bus.metricsUrl));
      expect(scrapes).toBeGreaterThan(scrapers.attackers);
    },
  },
  {
    name: '3,000 connections whose requests never end: no byte, half a line, headers, a body',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const parts = [
        '',
        'GET /met',
        `${scrape.trimEnd()}\r\n${'a: b\r\n'.repeat(1_000)}`,
        `${scrape.trimEnd()}\r\ncontent-length: 999999999\r\n\r\n`,
      ];
      const sockets: Socket[] = [];
      for (let index = 0; index < 3_000; index += 1) {
        const socket = await open(sidecar.healthUrl);
        socket.pause();
        const part = parts[index % parts.length] ?? '';
        socket.write(part);
        sockets.push(socket);
      }
      await honest.rounds(rounds);
      for (const socket of sockets) socket.destroy();
    },
  },
];

async function scrapeOnce(url: string): Promise<void> {
  const socket = await open(url);
  socket.end(scrape);
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

/** Sends the requests and reads no answer. */
async function pipelineUnread(url: string, requests: number): Promise<Socket> {
  const socket = await open(url);
  socket.pause();
  socket.write(scrape.repeat(requests));
  return socket;
}

/** What the server cuts off is no failure of an attacker. */
async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}
