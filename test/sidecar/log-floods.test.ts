import { afterEach, expect, test } from 'vitest';
import { create } from '../../src/contract/wire/codec/message.ts';
import { RegisterRequestSchema as RegisterAtBusSchema } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RegisterRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { busMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { endAll, type Program, startBus, startSidecar } from './processes.ts';

const calls = 300;
afterEach(endAll);

const linesOf = ({ output }: Program, text: string): number =>
  output.split('\n').filter((line) => line.includes(text)).length;

async function dial(address: string, metadata = {}) {
  return grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: limits.messageBytes, metadata });
}

test('300 calls with a token that nobody knows are one line of the bus, whatever their connections', async () => {
  const { address, program } = await startBus();
  for (let round = 0; round < 3; round += 1) {
    const connection = await dial(address, { authorization: `Bearer made-up-${round}` });
    const register = () => connection.unary(busMethods.register, create(RegisterAtBusSchema)).catch(() => {});
    await Promise.all(Array.from({ length: calls / 3 }, register));
    connection.close();
  }
  expect(linesOf(program, 'refused a client')).toBe(1);
});

test('300 refused and 300 accepted Registers of a plugin are 20 lines each', async () => {
  const bus = await startBus();
  const { address, program } = await startSidecar(bus.address);
  const connection = await dial(address);
  for (const schemaVersion of ['9.0.0', '1.0.0']) {
    const request = create(RegisterRequestSchema, { schemaVersion });
    await Promise.all(Array.from({ length: calls }, () => connection.unary(sidecarMethods.register, request)));
  }
  connection.close();
  expect(linesOf(program, 'plugin refused')).toBe(20);
  expect(linesOf(program, 'plugin registered')).toBe(20);
});
