import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { RegisterRequestSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { busMethods } from '../../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../../src/contract/wire/protocol-version.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { endAll, policyText, startBus, writeTemporary } from '../../sidecar/processes.ts';

afterEach(endAll);

const newPlace = (): string => path.join(path.dirname(writeTemporary('policy.yml', policyText)), 'bus.sqlite');

test('reservations that are never activated go when their leases end, or when the bus starts again', async () => {
  const store = newPlace();
  const reserved = (): unknown => {
    const database = new DatabaseSync(store);
    const epochs = database.prepare("SELECT count(*) AS count FROM epoch WHERE phase = 'reserved'").get();
    const ids = database.prepare('SELECT count(*) AS count FROM instance').get();
    database.close();
    return [epochs?.['count'], ids?.['count']];
  };
  const register = async (address: string): Promise<void> => {
    const options = { timeoutMs: 5_000, maxMessageBytes: limits.messageBytes };
    const connection = await grpcNetwork.connect(address, options);
    const request = { protocolVersion: busProtocolVersion, instanceId: 'oms-1', poolType: 'OMSPool' };
    await connection.unary(busMethods.register, create(RegisterRequestSchema, request));
    connection.close();
  };
  const bus = await startBus(undefined, store, '--lease', '500ms');
  await register(bus.address);
  await bus.program.seen(/lease expired without a heartbeat instance=oms-1/);
  bus.program.signal('SIGTERM');
  await bus.program.exited;
  expect(reserved()).toEqual([0, 0]);

  const killed = await startBus(undefined, store);
  await register(killed.address);
  killed.program.signal('SIGKILL');
  await killed.program.exited;
  expect(reserved()).toEqual([1, 1]);
  const again = await startBus(undefined, store);
  again.program.signal('SIGTERM');
  await again.program.exited;
  expect(reserved()).toEqual([0, 0]);
});
