import { connect } from 'node:http2';
import { busMethods } from '../../../src/contract/wire/methods.ts';
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
      const sessions = [1, 2].map(() => connect(`https://${bus.address}`, { ca: authority.ca }).on('error', () => {}));
      for (const session of sessions) {
        for (let index = 0; index < 600; index += 1) {
          const headers = {
            ':method': 'POST',
            ':path': busMethods.register.path,
            'content-type': 'application/grpc',
            te: 'trailers',
          };
          session
            .request(headers)
            .on('error', () => {})
            .resume()
            .write(halfMessage);
        }
      }
      await honest.rounds(50);
      for (const session of sessions) session.destroy();
    },
  },
];
