import { afterEach, expect, test } from 'vitest';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import type { Start } from '../../src/bus/store/store.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import {
  ActivateRequestSchema,
  RegisterRequestSchema,
  SessionRequestSchema,
} from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RegisterRequestSchema as PluginRegisterRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { busMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../src/contract/wire/protocol-version.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { type Connection, serveUnary } from '../../src/transport/rpc.ts';
import { RpcError, type StatusCode } from '../../src/transport/status.ts';
import { endAll, spawnSidecar, startBus, startSidecar } from './processes.ts';
import { busAddress, openPolicy, SimulatedWorld } from './simulated-world.ts';

test('a bus that goes away while a sidecar registers is waited for like one that is not there yet', async () => {
  const world = new SimulatedWorld(1);
  /** Every connection to the bus breaks while it gives out the first epochs. */
  class InterruptedStore extends MemoryStore {
    cutsLeft = 3;

    override async reserve(instanceId: string, start: Start): Promise<bigint> {
      this.cutsLeft -= 1;
      if (this.cutsLeft >= 0) world.network.cut(busAddress);
      return super.reserve(instanceId, start);
    }
  }
  const store = new InterruptedStore({ scheduler: world.scheduler });
  const story = async (): Promise<void> => {
    await world.startBus(openPolicy, store);
    const { sidecar } = world.createSidecar({ INSTANCE_ID: 'one' });
    await sidecar.start();
    expect(sidecar.state).toBe('READY');
    expect(store.cutsLeft).toBeLessThan(0);
  };
  await world.run(story());
});

test('one that stays away ends the start with 69 within its time', async () => {
  const world = new SimulatedWorld(1);
  class DeadStore extends MemoryStore {
    override async reserve(): Promise<bigint> {
      world.network.cut(busAddress);
      return 0n;
    }
  }
  const story = async (): Promise<void> => {
    await world.startBus(openPolicy, new DeadStore({ scheduler: world.scheduler }));
    const { sidecar } = world.createSidecar({ INSTANCE_ID: 'one', SIDECAR_CONNECT_TIMEOUT: '20s' });
    await expect(sidecar.start()).rejects.toMatchObject({ id: 'sidecar/startup/bus-unreachable', exitCode: 69 });
    expect(world.scheduler.nowMs()).toBeLessThan(30_000);
  };
  await world.run(story());
});

const faults: Exclude<StatusCode, 'OK'>[] = ['INTERNAL', 'UNKNOWN', 'RESOURCE_EXHAUSTED', 'DATA_LOSS', 'ABORTED'];

test.each(faults)('a bus that answers %s is asked again, and then told as faulty with 69', async (code) => {
  let asked = 0;
  const faulty = await grpcNetwork.listen('127.0.0.1:0', {
    maxMessageBytes: limits.messageBytes,
    routes: [
      serveUnary(busMethods.register, async () => {
        asked += 1;
        throw new RpcError(code, 'database or disk is full');
      }),
    ],
  });
  const sidecar = spawnSidecar(faulty.address, { SIDECAR_CONNECT_TIMEOUT: '1500ms' });
  expect(await sidecar.exited).toBe(69);
  expect(sidecar.stderr).toContain('[sidecar/startup/bus-faulty]');
  expect(sidecar.stderr).toContain(`with ${code}: database or disk is full`);
  expect(sidecar.stderr).not.toContain('policy');
  expect(asked).toBeGreaterThan(1);
  faulty.close();
});

test('a bus whose store fails for a while is waited for', async () => {
  const world = new SimulatedWorld(1);
  class FullStore extends MemoryStore {
    failuresLeft = 4;

    override async reserve(instanceId: string, start: Start): Promise<bigint> {
      this.failuresLeft -= 1;
      if (this.failuresLeft >= 0) throw new Error('database or disk is full');
      return super.reserve(instanceId, start);
    }
  }
  const story = async (): Promise<void> => {
    await world.startBus(openPolicy, new FullStore({ scheduler: world.scheduler }));
    const { sidecar } = world.createSidecar({ INSTANCE_ID: 'one' });
    await sidecar.start();
    expect(sidecar.state).toBe('READY');
  };
  await world.run(story());
});

const connect = (address: string): Promise<Connection> =>
  grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: limits.messageBytes });

/** Registers as `oms-1`, started at that time. */
async function register(connection: Connection, startedAtNs: bigint): Promise<bigint> {
  const request = create(RegisterRequestSchema, {
    protocolVersion: busProtocolVersion,
    instanceId: 'oms-1',
    poolType: 'OMSPool',
    revision: { startedAtNs },
  });
  return (await connection.unary(busMethods.register, request)).epoch;
}

const fromNowNs = (ms: number): bigint => BigInt(Date.now() + ms) * 1_000_000n;

/** Owns the instance id `oms-1` as a start as far in the future as clocks may differ. */
async function newerStart(address: string): Promise<Connection> {
  const connection = await connect(address);
  const epoch = await register(connection, fromNowNs(limits.clockAheadMsMax));
  const owner = { instanceId: 'oms-1', epoch };
  const session = connection.stream(busMethods.session);
  session.write(create(SessionRequestSchema, { message: { case: 'open', value: owner } }));
  await session[Symbol.asyncIterator]().next();
  await connection.unary(busMethods.activate, create(ActivateRequestSchema, owner));
  return connection;
}

test('a newer sidecar that is dead is waited out until its lease ends', async () => {
  const bus = await startBus();
  const dead = await newerStart(bus.address);
  dead.close();
  const sidecar = spawnSidecar(bus.address);
  await sidecar.seen(/a newer sidecar owns the instance id; waiting until its lease has expired/);
  await sidecar.seen(/startup 8\/8/);
});

test('a newer sidecar that renews its lease ends the start of an older one with 77', async () => {
  const bus = await startBus('127.0.0.1:0', 'memory', '--lease', '2s');
  const living = await newerStart(bus.address);
  const session = living.stream(busMethods.session);
  const epoch = /registered instance=oms-1 .*epoch=(\d+)/.exec(bus.program.output)?.[1] ?? '';
  session.write(
    create(SessionRequestSchema, { message: { case: 'open', value: { instanceId: 'oms-1', epoch: BigInt(epoch) } } }),
  );
  const beating = setInterval(() => {
    session.write(create(SessionRequestSchema, { message: { case: 'heartbeat', value: { sequence: 1n } } }));
  }, 300);
  const sidecar = spawnSidecar(bus.address);
  expect(await sidecar.exited).toBe(77);
  clearInterval(beating);
  living.close();
  expect(sidecar.stderr).toContain('[sidecar/startup/newer-start]');
});

afterEach(endAll);

test('a start further in the future than clocks may differ is refused, and keeps no later start from the id', async () => {
  const bus = await startBus();
  const connection = await connect(bus.address);
  for (const startedAtNs of [9n * 10n ** 18n, 2n ** 63n - 1n, fromNowNs(limits.clockAheadMsMax + 60_000)]) {
    await expect(register(connection, startedAtNs)).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      message: expect.stringMatching(/^revision.started_at_ns is \d+ ms ahead of .*, more than the 60000 ms allowed$/),
    });
  }
  for (const startedAtNs of [-(2n ** 63n), 0n]) await register(connection, startedAtNs);
  const sidecar = spawnSidecar(bus.address);
  await sidecar.seen(/startup 8\/8/);
  expect(sidecar.stdout).not.toContain('a newer sidecar owns the instance id');
  connection.close();
});

test('a sidecar whose clock is ahead is told to set it, with 77 and at once', async () => {
  const ahead = new RpcError('OUT_OF_RANGE', 'revision.started_at_ns is 90000 ms ahead');
  const bus = await grpcNetwork.listen('127.0.0.1:0', {
    maxMessageBytes: limits.messageBytes,
    routes: [serveUnary(busMethods.register, () => Promise.reject(ahead))],
  });
  const sidecar = spawnSidecar(bus.address);
  expect(await sidecar.exited).toBe(77);
  expect(sidecar.stderr).toContain('[sidecar/startup/clock-ahead]');
  expect(sidecar.stderr).toContain('Set the clock of this machine');
  expect(sidecar.stdout).not.toContain('asking it again');
  bus.close();
});

test('a sidecar that stops says how many lines of a plugin it left out', async () => {
  const bus = await startBus();
  const sidecar = await startSidecar(bus.address);
  const plugin = await grpcNetwork.connect(sidecar.address, { maxMessageBytes: 65_536, timeoutMs: 10_000 });
  const register = create(PluginRegisterRequestSchema, { schemaVersion: '1.0.0' });
  for (let times = 0; times < 25; times += 1) await plugin.unary(sidecarMethods.register, register);
  plugin.close();
  sidecar.program.signal('SIGTERM');
  await sidecar.program.exited;
  expect(sidecar.program.output).toContain('plugin registered … and 5 more in the last minute');
});
