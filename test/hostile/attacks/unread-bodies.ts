import { busMethods, healthMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { authority, CertificateFiles, caFile, certificateEnvironment } from '../../sidecar/secured-bus.ts';
import { callHeaders, data, headers, message } from '../../transport/http2/raw-frames.ts';
import type { RawPeer } from '../../transport/http2/raw-peer.ts';
import type { Attack } from '../attack.ts';
import { whileServed, withPeer } from '../while-served.ts';

const time = { rounds: 10, attackers: 4 };
const frameBytes = 16_000;
const part = Buffer.alloc(frameBytes);

/** Opens these calls and sends DATA to one after the other, whatever windows and answers say. */
function bodies(path: string, calls: number, begin: Buffer = Buffer.alloc(0)) {
  return async (peer: RawPeer, over: AbortSignal): Promise<void> => {
    const ids = Array.from({ length: calls }, (_, index) => 2 * index + 1);
    peer.send(...ids.flatMap((id) => [headers(id, callHeaders(path)), data(id, begin)]));
    await peer.flood((index) => data(ids[index % calls] ?? 1, part), over);
  };
}

export const attacks: readonly Attack[] = [
  {
    name: 'bodies without end to 60 calls refused because they have no credential, whatever the windows, on 4 connections',
    target: 'bus',
    busFlags() {
      const { certificate, key } = new CertificateFiles(
        authority.issue('bus', { ip: ownLoopback.split('.').map(Number) }),
      );
      return ['--tls-certificate', certificate, '--tls-key', key, '--tls-client-ca', caFile()];
    },
    sidecarEnvironment: () => certificateEnvironment(new CertificateFiles(authority.issue('honest'))),
    async run({ bus, honest }) {
      const tls = { ca: authority.ca };
      await whileServed(honest, time, withPeer(bus.address, bodies(busMethods.session.path, 60), { tls }));
    },
  },
  {
    name: 'messages without end to 200 streams that nobody reads on, whatever the windows, on 4 connections',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const messages = bodies(healthMethods.watch.path, 200, message(Buffer.alloc(0)));
      await whileServed(honest, time, withPeer(sidecar.address, messages));
    },
  },
  {
    name: 'bodies without end to 200 calls of a method that does not exist, on 4 connections',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      await whileServed(honest, time, withPeer(sidecar.address, bodies(`${sidecarMethods.publish.path}ed`, 200)));
    },
  },
];
