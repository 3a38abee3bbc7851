import { create } from '../../../src/contract/wire/codec/message.ts';
import {
  ConsumeRequestSchema,
  PublishBatchSchema,
  PublishOutcome,
  SaveStateRequestSchema,
} from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { pluginMethods } from '../../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import type { Connection } from '../../../src/transport/rpc.ts';
import { RpcError } from '../../../src/transport/status.ts';
import type { Attack } from '../attack.ts';

const batches = 5;
const itemsOfBatch = 20_000;

export const attacks: readonly Attack[] = [
  {
    name: '5 PublishBatches of 20,000 items, each answered once',
    target: 'sidecar',
    async run({ sidecar }) {
      const connection = await connect(sidecar.address);
      const outcomes = await publishBatches(connection);
      connection.close();
      const { ACCEPTED, REFUSED } = PublishOutcome;
      if (outcomes.length !== batches * itemsOfBatch) throw new Error(`${outcomes.length} items were answered`);
      if (!outcomes.includes(ACCEPTED)) throw new Error('no item was accepted');
      const isOther = outcomes.some((outcome) => outcome !== ACCEPTED && outcome !== REFUSED);
      if (isOther) throw new Error('an item was neither accepted nor refused');
    },
  },
  {
    name: 'acknowledgements and a SaveState of 120,000 positions',
    target: 'sidecar',
    async run({ sidecar }) {
      const connection = await connect(sidecar.address);
      const positions = Array.from({ length: 120_000 }, () => 1n);
      const codes = [];
      for (let round = 0; round < 10; round += 1) {
        const stream = connection.stream(pluginMethods.consume);
        stream.write(create(ConsumeRequestSchema, { message: { case: 'acknowledge', value: { positions } } }));
        codes.push(await codeOf(stream[Symbol.asyncIterator]().next()));
        const acknowledge = [{ subscription: 'honest', positions }];
        const save = create(SaveStateRequestSchema, { acknowledge });
        codes.push(await codeOf(connection.unary(pluginMethods.saveState, save)));
      }
      connection.close();
      if (codes.some((code) => code !== 'RESOURCE_EXHAUSTED')) throw new Error(`it ended with ${codes.join()}`);
    },
  },
];

function connect(address: string): Promise<Connection> {
  return grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 2 * limits.messageBytes });
}

async function publishBatches(connection: Connection): Promise<PublishOutcome[]> {
  const stream = connection.stream(pluginMethods.publish);
  const request = { topic: 'platform.oms.batch', payload: new Uint8Array(10) };
  const items = Array.from({ length: itemsOfBatch }, (_, index) => ({ clientSequence: BigInt(index + 1), request }));
  for (let batch = 0; batch < batches; batch += 1) stream.write(create(PublishBatchSchema, { items }));
  stream.end();
  const outcomes: PublishOutcome[] = [];
  for await (const { results } of stream) outcomes.push(...results.map(({ outcome }) => outcome));
  return outcomes;
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'OK',
    (error: unknown) => RpcError.from(error).code,
  );
}
