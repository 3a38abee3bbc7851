import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { StartAt } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { BusClient } from '../../src/sidecar/bus-link/bus-client.ts';
import type { RequestInit } from '../../src/sidecar/bus-link/bus-session.ts';
import { BusSubscriptions } from '../../src/sidecar/bus-link/subscriptions.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, startSidecar } from '../sidecar/processes.ts';
import { BusProcesses } from './bus-processes.ts';
import { eventually, type NatsServers, startServers } from './nats-server.ts';
import { openStore } from './open-store.ts';

const size = 200;

let servers: NatsServers;
const sessions: HerdSession[] = [];
beforeAll(async () => {
  servers = await startServers(3);
  await (await eventually(() => openStore(servers))).close();
});
afterEach(async () => {
  for (const session of sessions.splice(0)) session.close();
  await endAll();
});
afterAll(() => servers.stop());

/** The bus's side of a sidecar, as it is shipped. */
class HerdSession {
  /** When it could write again after the last loss, and what it was delivered since, on the clock of the machine. */
  openedMs = 0;
  deliveredMs = 0;
  readonly #link: BusClient;

  private constructor(link: BusClient) {
    this.#link = link;
    link.attach({
      onSessionOpen: () => {
        this.openedMs = performance.now();
      },
    });
    const subscriptions = new BusSubscriptions({ send: (message: RequestInit) => link.send(message), onMissed() {} });
    link.attach(subscriptions);
    const request = { name: 'all', pattern: 'demo.all', startAt: StartAt.NEW };
    const credit = { messages: 16, bytes: 65_536 };
    const { subscription } = subscriptions.add(request, credit, {
      opened() {},
      deliver: ({ position, creditBytes: bytes }) => {
        this.deliveredMs = performance.now();
        subscription.acknowledge([position]);
        subscription.addCredit({ messages: 1, bytes });
      },
      acknowledged() {},
      ended() {},
    });
  }

  static async open(addresses: readonly string[], instanceId: string): Promise<HerdSession> {
    const link = new BusClient({
      network: grpcNetwork,
      scheduler: realScheduler,
      log: silentLog,
      addresses,
      readCredential: async () => ({}),
      registration: {
        ...{ instanceId, poolType: 'OMSPool', tags: [], image: '', version: '0', startedAtNs: 1n },
        requestedGrants: [{ action: 'subscribe', pattern: 'demo.**' }],
      },
      renewEveryMs: 3_000,
      reconnect: { firstDelayMs: 100, maxDelayMs: 5_000 },
    });
    await link.connect(20_000);
    await link.register(20_000);
    const session = new HerdSession(link);
    sessions.push(session);
    await link.activate();
    return session;
  }

  close(): void {
    this.#link.close();
  }
}

const percent = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);

test.each(['SIGKILL', 'SIGTERM'] as const)(
  `${size} sidecars whose bus ends by %s at one moment come back spread out, and all are delivered to within seconds`,
  async (signal) => {
    const bus = await BusProcesses.start(servers, 2);
    const grants = JSON.stringify([{ topic: 'demo.**', action: 'publish' }]);
    const publisher = await startSidecar(bus.url, { INSTANCE_ID: 'publisher', REQUESTED_GRANTS: grants });
    const plugin = await connectPlugin(publisher.address);
    for (let index = 0; index < size; index += 20) {
      const batch = Array.from({ length: 20 }, (_, at) => HerdSession.open(bus.addresses, `herd-${index + at}`));
      await Promise.all(batch);
    }
    const startMs = performance.now();
    bus.process(0).signal(signal);
    await expect
      .poll(() => sessions.filter(({ openedMs }) => openedMs > startMs).length, { timeout: 60_000 })
      .toBe(size);
    const publishedMs = performance.now();
    expect((await plugin.publish('demo.all', Buffer.from('!'))).outcome).toBe('accepted');
    await expect
      .poll(() => sessions.filter(({ deliveredMs }) => deliveredMs > publishedMs).length, { timeout: 30_000 })
      .toBe(size);
    const arrivals = sessions.map(({ openedMs }) => openedMs - startMs).sort((one, other) => one - other);
    const deliveries = sessions.map(({ deliveredMs }) => deliveredMs - publishedMs).sort((one, other) => one - other);
    const inTenths = Array.from({ length: 10 }, (_, tenth) => percent(arrivals, (tenth + 1) / 10));
    process.stderr.write(
      `herd after ${signal}: a tenth each by ${inTenths.join(', ')} ms; a message reached all in ${percent(deliveries, 1)} ms\n`,
    );
    // Not all in the moment in which another process leads.
    const busiest = Math.max(...arrivals.map((from) => arrivals.filter((at) => at >= from && at < from + 50).length));
    expect(busiest).toBeLessThan(size / 2);
    expect(arrivals.at(-1)).toBeLessThan(15_000);
  },
);
