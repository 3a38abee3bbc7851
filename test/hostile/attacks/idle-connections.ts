import { connect, type Socket } from 'node:net';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { authority, CertificateFiles, caFile, certificateEnvironment } from '../../sidecar/secured-bus.ts';
import { preface, settings } from '../../transport/http2/raw-frames.ts';
import type { Attack } from '../attack.ts';
import { whileServed } from '../while-served.ts';

const time = { rounds: 10, attackers: 16 };
/** What each connection sends before it falls silent. */
const beginnings = [
  Buffer.alloc(0),
  preface.subarray(0, 10),
  preface,
  Buffer.concat([preface, settings().subarray(0, 5)]),
];
/** The first bytes of a TLS record of a handshake that never comes. */
const helloBegin = Buffer.from('16030102000100', 'hex');

/** Opens connections that fall silent, and keeps the newest of them, as many as a process may have open. */
function silent(address: string, begins: readonly Buffer[]) {
  const [, host = '', port] = /^(.*):(\d+)$/.exec(address) ?? [];
  const sockets: Socket[] = [];
  let opened = 0;
  return {
    async open(): Promise<void> {
      const socket = connect({ host, port: Number(port) }).on('error', () => {});
      sockets.push(socket);
      const begin = begins[opened % begins.length] ?? Buffer.alloc(0);
      opened += 1;
      await new Promise<void>((resolve) => {
        socket.once('connect', () => {
          socket.write(begin);
          resolve();
        });
        socket.once('close', () => resolve());
      });
      if (sockets.length > 2_000) sockets.shift()?.destroy();
    },
    close(): void {
      for (const socket of sockets) socket.destroy();
    },
  };
}

export const attacks: readonly Attack[] = [
  {
    name: 'connections that fall silent before, in or after the preface, without end, 2,000 of them kept',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const attacker = silent(sidecar.address, beginnings);
      await whileServed(honest, time, () => attacker.open());
      attacker.close();
    },
  },
  {
    name: 'connections whose TLS handshake never ends, without end, 2,000 of them kept',
    target: 'bus',
    busFlags() {
      const { certificate, key } = new CertificateFiles(
        authority.issue('bus', { ip: ownLoopback.split('.').map(Number) }),
      );
      return ['--tls-certificate', certificate, '--tls-key', key, '--tls-client-ca', caFile()];
    },
    sidecarEnvironment: () => certificateEnvironment(new CertificateFiles(authority.issue('honest'))),
    async run({ bus, honest }) {
      const attacker = silent(bus.address, [Buffer.alloc(0), helloBegin]);
      await whileServed(honest, time, () => attacker.open());
      attacker.close();
    },
  },
];
