import { busMethods, pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import type { StreamMethod, UnaryMethod } from '../../../src/transport/rpc.ts';
import { lengthDelimited, repeated, unknownField, withRawRequests } from '../../contract/wire/raw-message.ts';
import type { Attack } from '../attack.ts';

const count = 550_000;
const unknown = repeated(unknownField, count);
const emptyMessages = repeated([(1 << 3) | 2, 0], count);
/** Empty grants of a registration. */
const emptyGrants = repeated([(4 << 3) | 2, 0], count);

type Raw = UnaryMethod<Uint8Array, unknown>;
type RawStream = StreamMethod<Uint8Array, unknown>;

export const attacks: readonly Attack[] = [
  {
    name: '60 messages of 550,000 unknown fields each, to every kind of method of the plugin port',
    target: 'sidecar',
    async run({ sidecar }) {
      const { register, publish, call, heartbeat } = sidecarMethods;
      await sendEach(sidecar.address, [register, publish, call, heartbeat, pluginMethods.saveState], unknown, 10);
      await stream(sidecar.address, pluginMethods.publish, unknown, 10);
    },
  },
  {
    name: '30 messages of 550,000 empty messages or numbers each, to the plugin port',
    target: 'sidecar',
    async run({ sidecar }) {
      await stream(sidecar.address, pluginMethods.publish, emptyMessages, 10);
      await stream(sidecar.address, pluginMethods.consume, lengthDelimited(2, lengthDelimited(1, emptyMessages)), 10);
      await sendEach(sidecar.address, [pluginMethods.saveState], lengthDelimited(2, emptyMessages), 10);
    },
  },
  {
    name: '60 messages of 550,000 unknown or empty fields each, to the bus',
    target: 'bus',
    async run({ bus }) {
      await sendEach(bus.address, [busMethods.register, busMethods.activate, busMethods.saveState], unknown, 10);
      await sendEach(bus.address, [busMethods.register], emptyGrants, 10);
      await stream(bus.address, busMethods.session, unknown, 10);
      await stream(bus.address, busMethods.session, lengthDelimited(1, unknown), 10);
    },
  },
];

async function sendEach(address: string, methods: readonly unknown[], message: Uint8Array, times: number) {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 30_000, maxMessageBytes: 2 ** 22 });
  for (const method of methods) {
    const calls = Array.from({ length: times }, () =>
      connection.unary(withRawRequests(method as Raw), message, { timeoutMs: 60_000 }).catch(() => {}),
    );
    await Promise.all(calls);
  }
  connection.close();
}

/** Each message on a stream of its own, since the first may end it. */
async function stream(address: string, method: unknown, message: Uint8Array, times: number): Promise<void> {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 30_000, maxMessageBytes: 2 ** 22 });
  const streams = Array.from({ length: times }, async () => {
    const opened = connection.stream(withRawRequests(method as RawStream), { timeoutMs: 60_000 });
    opened.write(message);
    opened.end();
    for await (const _ of opened);
  });
  await Promise.allSettled(streams);
  connection.close();
}
