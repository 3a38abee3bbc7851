import { afterEach, expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { SaveStateRequestSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { busMethods } from '../../../src/contract/wire/methods.ts';
import { endAll, startBus, writeTemporary } from '../../sidecar/processes.ts';
import { RawSession } from '../raw-session.ts';

afterEach(endAll);

const KiB = 1024;
const stores = [
  ['memory', () => 'memory'],
  ['sqlite', () => `${writeTemporary('beside', '')}.sqlite`],
] as const;

test.each(stores)(
  'store %s: the states of many instances of one principal leave room for publishes',
  async (_name, store) => {
    const { address } = await startBus(undefined, store(), '--lease', '1h', '--store-bytes', '4MiB');
    const save = async (instanceId: string, bytes: number, expectedRevision = 0n): Promise<void> => {
      const session = await RawSession.open(address, instanceId, 'OMSPool');
      const state = new Uint8Array(bytes);
      const request = create(SaveStateRequestSchema, { ...session.owner, state, expectedRevision });
      await session.connection.unary(busMethods.saveState, request).finally(() => session.close());
    };
    for (const instance of ['oms-1', 'oms-2', 'oms-3']) await save(instance, 300 * KiB);
    for (const instance of ['oms-4', 'oms-5', 'oms-6']) {
      await expect(save(instance, 300 * KiB)).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        message: expect.stringMatching(
          /^the states of all instances of this principal take 9216\d\d bytes of the store; .* the limit of 1048576$/,
        ),
      });
    }
    await save('oms-1', 300 * KiB, 1n);
    await save('oms-4', 100 * KiB);
    const publisher = await RawSession.open(address, 'oms-9', 'OMSPool');
    for (let sequence = 1n; sequence <= 3n; sequence += 1n) {
      const envelope = { payload: new Uint8Array(900 * KiB), meta: { topic: 'platform.oms.fills' } };
      publisher.send({ case: 'publish', value: { sequence, settledBelow: sequence, envelope } });
      expect(await publisher.next('publishResult')).toMatchObject({ accepted: true });
    }
    publisher.close();
  },
);
