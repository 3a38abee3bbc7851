import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/time/scheduler.ts';
import { create } from '../../src/contract/wire/codec/message.ts';
import { LifecycleRequestSchema } from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { HeartbeatRequestSchema, RegisterRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { healthReply } from '../../src/sidecar/health/health-report.ts';
import type { SidecarState } from '../../src/sidecar/lifecycle/sidecar-state.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { block, freeAll } from './blocked-ports.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, spawnSidecar, startBus, startSidecar, writeTemporary } from './processes.ts';
import { SimulatedWorld } from './simulated-world.ts';
import { V1Client } from './v1-client.ts';

afterEach(async () => {
  freeAll();
  await endAll();
});

/** What /livez, /readyz and /healthz answer in each state. */
const answers: Readonly<Record<Exclude<SidecarState, 'STOPPED'>, readonly [number, number, number]>> = {
  STARTING: [200, 503, 503],
  REGISTERING: [200, 503, 503],
  RECOVERING: [200, 503, 503],
  READY: [200, 503, 200],
  RUNNING: [200, 200, 200],
  DEGRADED: [200, 503, 200],
  STANDBY: [200, 503, 200],
  SHUTTING_DOWN: [200, 503, 200],
  FAULTED: [503, 503, 503],
};
const probes = ['/livez', '/readyz', '/healthz'] as const;

test.each(Object.entries(answers))('in state %s the probes answer %j', (state, expected) => {
  const replies = probes.map((probe) => healthReply(probe, state as SidecarState));
  expect(replies.map(({ status }) => status)).toEqual(expected);
  expect(replies.map(({ body }) => body)).toEqual(Array(3).fill(`${state}\n`));
});

describe('over HTTP', () => {
  const expectState = async (url: string, state: keyof typeof answers): Promise<void> => {
    const replies = await Promise.all(probes.map((probe) => fetch(`${url}${probe}`)));
    expect(await Promise.all(replies.map((reply) => reply.text()))).toEqual(Array(3).fill(`${state}\n`));
    expect(replies.map(({ status }) => status)).toEqual(answers[state]);
  };

  test('it is starting while the plugin port cannot be had', async () => {
    const { address } = await block();
    const bus = await startBus();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_ADDR: address });
    const [, port] = await sidecar.seen(/health server listens port=(\d+)/);
    await expectState(`http://127.0.0.1:${port}`, 'RECOVERING');
  });

  test('it is ready without a plugin, running with one, degraded without the bus, and says when it stops', async () => {
    const bus = await startBus();
    const { program, address, healthUrl } = await startSidecar(bus.address);
    await expectState(healthUrl, 'READY');

    const plugin = await connectPlugin(address);
    await expectState(healthUrl, 'RUNNING');

    const degraded = new Promise<string>((resolve) => plugin.onDegrade(resolve));
    bus.program.signal('SIGKILL');
    expect(await degraded).not.toBe('');
    await expectState(healthUrl, 'DEGRADED');

    const resumed = new Promise<void>((resolve) => plugin.onResume(resolve));
    await startBus(bus.address);
    await resumed;
    await expectState(healthUrl, 'RUNNING');

    const stopping = Promise.withResolvers<void>();
    const drained = Promise.withResolvers<void>();
    plugin.onStop(() => {
      stopping.resolve();
      return drained.promise;
    });
    program.signal('SIGTERM');
    await stopping.promise;
    await expectState(healthUrl, 'SHUTTING_DOWN');
    drained.resolve();
    expect(await program.exited).toBe(0);
  });

  test('it is ready again when the plugin has left', async () => {
    const bus = await startBus();
    const { program, address, healthUrl } = await startSidecar(bus.address);
    const plugin = await connectPlugin(address);
    await plugin.stop('done');
    await program.seen(/from=RUNNING to=READY/);
    await expectState(healthUrl, 'READY');
  });

  test('it is ready again when the plugin that takes callbacks is gone without Leave', async () => {
    const bus = await startBus();
    const { program, address, healthUrl } = await startSidecar(bus.address);
    const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 1_024 });
    await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
    const callbacks = connection.stream(pluginMethods.lifecycle);
    callbacks.write(create(LifecycleRequestSchema, { message: { case: 'attach', value: {} } }));
    await callbacks[Symbol.asyncIterator]().next();
    connection.close();
    await program.seen(/from=RUNNING to=READY/);
    await expectState(healthUrl, 'READY');
  });

  test('it stands by when a newer sidecar of the same instance took over', async () => {
    const bus = await startBus();
    const older = await startSidecar(bus.address);
    const newer = await startSidecar(bus.address);
    await older.program.seen(/to=STANDBY/);
    await expectState(older.healthUrl, 'STANDBY');
    await expectState(newer.healthUrl, 'READY');
    newer.program.signal('SIGTERM');
    await newer.program.exited;
    await older.program.seen(/to=STANDBY[\s\S]*to=READY/);
  });

  const fastChecks = (): Record<string, string> => ({
    SIDECAR_CONFIG: writeTemporary(
      'sidecar.yml',
      'intervals: { health_check: 50ms }\ntimeouts: { health_check: 50ms }\n',
    ),
  });

  test('it is faulted while a v1 plugin sends no heartbeats, and healed by one', async () => {
    const bus = await startBus();
    const { program, address, healthUrl } = await startSidecar(bus.address, fastChecks());
    const client = new V1Client(address);
    await client.register();
    await client.heartbeat();
    await program.seen(/to=FAULTED/);
    await expectState(healthUrl, 'FAULTED');
    await client.heartbeat();
    await program.seen(/from=FAULTED to=RUNNING/);
    client.close();
  });

  test('a faulted plugin ends the sidecar with 70 when that is asked for', async () => {
    const bus = await startBus();
    const environment = { ...fastChecks(), SIDECAR_EXIT_ON_FAULT: 'true' };
    const { program, address } = await startSidecar(bus.address, environment);
    const client = new V1Client(address);
    await client.register();
    await client.heartbeat(false);
    expect(await program.exited).toBe(70);
    expect(program.stderr).toContain('[sidecar/run/plugin-faulted]');
    client.close();
  });

  test.each(['/', '/metrics/', '/healthz/', '/HEALTHZ', '//', '/%', '/healthz%00', 'http://[/healthz'])(
    'there is no probe %s, and asking for it harms nothing',
    async (target) => {
      const bus = await startBus();
      const { healthUrl } = await startSidecar(bus.address);
      expect(await statusLineOf(healthUrl, target)).toMatch(/^HTTP\/1\.1 40[04] /);
      expect((await fetch(`${healthUrl}/healthz?verbose=1`)).status).toBe(200);
    },
  );
});

describe('a plugin that takes callbacks', () => {
  test('is faulted by three missed checks and healed by one answer', async () => {
    const world = new SimulatedWorld(1);
    await world.run(
      (async () => {
        const { sidecar, plugin } = await startedPlugin(world);
        let answers = true;
        plugin.onHealthCheck(() => answers || new Promise<boolean>(() => {}));
        await sleep(world.scheduler, 60_000);
        expect(sidecar.state).toBe('RUNNING');
        answers = false;
        // A check every 10 s and 5 s to answer: the third miss is known within 35 s of the last answer, not within 25 s.
        await sleep(world.scheduler, 24_000);
        expect(sidecar.state).toBe('RUNNING');
        await sleep(world.scheduler, 12_000);
        expect(sidecar.state).toBe('FAULTED');
        answers = true;
        await sleep(world.scheduler, 10_000);
        expect(sidecar.state).toBe('RUNNING');
      })(),
    );
  });

  test.each([
    ['says that it is unhealthy', () => false],
    [
      'throws in its check',
      () => {
        throw new Error('broken');
      },
    ],
  ])('is faulted when it %s three times', async (_, check) => {
    const world = new SimulatedWorld(2);
    await world.run(
      (async () => {
        const { sidecar, plugin } = await startedPlugin(world);
        plugin.onHealthCheck(check);
        await sleep(world.scheduler, 31_000);
        expect(sidecar.state).toBe('FAULTED');
      })(),
    );
  });

  test('is not judged by the misses of the one before it', async () => {
    const world = new SimulatedWorld(3);
    await world.run(
      (async () => {
        const { sidecar, address, plugin } = await startedPlugin(world);
        plugin.onHealthCheck(() => false);
        await sleep(world.scheduler, 31_000);
        await plugin.stop('done');
        expect(sidecar.state).toBe('READY');
        await world.connectPlugin(address);
        expect(sidecar.state).toBe('RUNNING');
      })(),
    );
  });
});

describe('a v1 plugin', () => {
  const v1Plugin = async (world: SimulatedWorld) => {
    await world.startBus();
    const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'oms-1' });
    await sidecar.start();
    const connection = await world.network.connect(address, { timeoutMs: 1_000, maxMessageBytes: 1_024 });
    await connection.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
    const heartbeat = (healthy = true) =>
      connection.unary(sidecarMethods.heartbeat, create(HeartbeatRequestSchema, { healthy }));
    return { sidecar, heartbeat };
  };

  test('that never sends a heartbeat is not judged', async () => {
    const world = new SimulatedWorld(4);
    await world.run(
      (async () => {
        const { sidecar } = await v1Plugin(world);
        await sleep(world.scheduler, 600_000);
        expect(sidecar.state).toBe('RUNNING');
      })(),
    );
  });

  test('is well while it sends them every 5 s, faulted when they cease, and healed by the next', async () => {
    const world = new SimulatedWorld(5);
    await world.run(
      (async () => {
        const { sidecar, heartbeat } = await v1Plugin(world);
        for (let beat = 0; beat < 60; beat += 1) {
          await heartbeat();
          await sleep(world.scheduler, 5_000);
          expect(sidecar.state).toBe('RUNNING');
        }
        await sleep(world.scheduler, 45_000);
        expect(sidecar.state).toBe('FAULTED');
        await heartbeat();
        expect(sidecar.state).toBe('RUNNING');
      })(),
    );
  });

  test('that says it is unhealthy is faulted by the third check', async () => {
    const world = new SimulatedWorld(6);
    await world.run(
      (async () => {
        const { sidecar, heartbeat } = await v1Plugin(world);
        await heartbeat(false);
        await sleep(world.scheduler, 31_000);
        expect(sidecar.state).toBe('FAULTED');
      })(),
    );
  });
});

async function startedPlugin(world: SimulatedWorld) {
  await world.startBus();
  const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'oms-1' });
  await sidecar.start();
  return { sidecar, address, plugin: await world.connectPlugin(address) };
}

/** The first line of the answer to a request whose target no HTTP client would send. */
function statusLineOf(url: string, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.once('data', (chunk) => {
      resolve(chunk.toString().split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed without an answer')));
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  });
}
