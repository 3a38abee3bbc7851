import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2';
import { busMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { authority, CertificateFiles, caFile, certificateEnvironment } from '../../sidecar/secured-bus.ts';
import type { Attack } from '../attack.ts';

const messageBytes = 1_100_000;
/** All but the last byte of a message that was announced. */
const halfMessage = Buffer.alloc(5 + messageBytes - 1);
halfMessage.writeUInt32BE(messageBytes, 1);

export const attacks: readonly Attack[] = [
  {
    name: '600 calls of 1.1 MB less a byte without a client certificate, on each of two connections',
    target: 'bus',
    busFlags() {
      const { certificate, key } = new CertificateFiles(
        authority.issue('bus', { ip: ownLoopback.split('.').map(Number) }),
      );
      return ['--tls-certificate', certificate, '--tls-key', key, '--tls-client-ca', caFile()];
    },
    sidecarEnvironment: () => certificateEnvironment(new CertificateFiles(authority.issue('honest'))),
    async run({ bus, honest }) {
      const { path } = busMethods.register;
      const tls = { ca: authority.ca };
      const sessions = [1, 2].map(() => sendHalves(`https://${bus.address}`, { path, calls: 600, tls }));
      await honest.rounds(50);
      for (const session of sessions) session.destroy();
    },
  },
  {
    name: '300 calls of 1.1 MB less a byte on each of three connections',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const { path } = sidecarMethods.publish;
      const sessions = [1, 2, 3].map(() => sendHalves(`http://${sidecar.address}`, { path, calls: 300 }));
      await honest.rounds(50);
      for (const session of sessions) session.destroy();
    },
  },
  {
    name: '60 calls of 1.1 MB less a byte on each of 16 connections',
    target: 'bus',
    async run({ bus, honest }) {
      const { path } = busMethods.session;
      const sessions = Array.from({ length: 16 }, () => sendHalves(`http://${bus.address}`, { path, calls: 60 }));
      await honest.rounds(50);
      for (const session of sessions) session.destroy();
    },
  },
];

interface HalvesOptions {
  readonly path: string;
  readonly calls: number;
  readonly tls?: SecureClientSessionOptions;
}

/** Sends a part of each message whenever a window opens, as a client of HTTP/2 does. */
function sendHalves(url: string, { path, calls, tls = {} }: HalvesOptions): ClientHttp2Session {
  const session = connect(url, tls).on('error', () => {});
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  for (let index = 0; index < calls; index += 1) {
    session
      .request(headers)
      .on('error', () => {})
      .resume()
      .write(halfMessage);
  }
  return session;
}
