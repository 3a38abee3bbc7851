import { expect, test } from 'vitest';
import { create } from '../../src/contract/wire/codec/message.ts';
import { RegisterRequestSchema } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { busMethods } from '../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../src/contract/wire/protocol-version.ts';
import { busAddress, inWorld } from '../sidecar/simulated-world.ts';

const register = (world: Parameters<Parameters<typeof inWorld>[0]>[0], protocolVersion: number) =>
  world.network
    .connect(busAddress, { timeoutMs: 1_000, maxMessageBytes: 4_096 })
    .then((connection) =>
      connection.unary(
        busMethods.register,
        create(RegisterRequestSchema, { protocolVersion, instanceId: 'one', poolType: 'SignalPool' }),
      ),
    );

test.each([-1, 0, 1])('a sidecar whose protocol version differs by %i works with the bus', (difference) =>
  inWorld(async (world) => {
    const reply = await register(world, busProtocolVersion + difference);
    expect(reply.protocolVersion).toBe(busProtocolVersion);
    expect(reply.epoch).toBeGreaterThan(0n);
  }),
);

test.each([2, 100])('one that differs by %i is refused, naming both', (difference) =>
  inWorld(async (world) => {
    await expect(register(world, busProtocolVersion + difference)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: `the sidecar speaks bus protocol ${busProtocolVersion + difference}, this bus ${busProtocolVersion}`,
    });
  }),
);
