import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { sampleSum, scrape } from '../sidecar/metrics/exposition.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, type RunningSidecar, runCli, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { BusProcesses } from './bus-processes.ts';
import { eventually, killed, type NatsServers, startServers } from './nats-server.ts';
import { openStore } from './open-store.ts';

let servers: NatsServers;
const plugins: Plugin[] = [];
beforeAll(async () => {
  servers = await startServers(3);
  await (await eventually(() => openStore(servers))).close();
});
afterEach(async () => {
  await Promise.all(plugins.splice(0).map((plugin) => plugin.stop().catch(() => {})));
  await endAll();
});
afterAll(() => servers.stop());

interface Container {
  readonly sidecar: RunningSidecar;
  readonly plugin: Plugin;
}

const demoGrants = ['publish', 'subscribe'].map((action) => ({ topic: 'demo.**', action }));

async function container(
  bus: string,
  instance: string,
  grants: readonly { topic: string; action: string }[] = demoGrants,
): Promise<Container> {
  const sidecar = await startSidecar(bus, { INSTANCE_ID: instance, REQUESTED_GRANTS: JSON.stringify(grants) });
  const plugin = await connectPlugin(sidecar.address);
  plugins.push(plugin);
  return { sidecar, plugin };
}

const text = (payload: Uint8Array): string => Buffer.from(payload).toString();

/** A publisher and a subscriber, and what they saw. */
class Conversation {
  readonly received: string[] = [];
  readonly outcomes: string[] = [];
  readonly unmarkedRepeats: string[] = [];
  longestGapMs = 0;
  readonly #publisher: Plugin;
  readonly #seen = new Set<string>();
  #isOver = false;
  #publishing: Promise<void> | undefined;

  private constructor(publisher: Plugin) {
    this.#publisher = publisher;
  }

  static async begin(publisher: Plugin, subscriber: Plugin): Promise<Conversation> {
    const conversation = new Conversation(publisher);
    let lastMs = performance.now();
    await subscriber.subscribe('demo.ticks', { name: 'all' }, (message) => {
      conversation.longestGapMs = Math.max(conversation.longestGapMs, performance.now() - lastMs);
      lastMs = performance.now();
      const payload = text(message.payload);
      if (!conversation.#seen.has(payload)) conversation.received.push(payload);
      else if (!message.maybeRedelivered) conversation.unmarkedRepeats.push(payload);
      conversation.#seen.add(payload);
    });
    conversation.#publishing = conversation.#publish();
    return conversation;
  }

  async #publish(): Promise<void> {
    while (!this.#isOver) {
      const payload = Buffer.from(`${this.outcomes.length}`);
      this.outcomes.push((await this.#publisher.publish('demo.ticks', payload)).outcome);
    }
  }

  /** Resolves when so many more were accepted. */
  async goOn(count = 200): Promise<void> {
    const goal = this.outcomes.length + count;
    await expect.poll(() => this.outcomes.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(goal);
  }

  /** As `expectWhole`; what was not accepted may have come, or not. */
  async expectAcceptedWhole(): Promise<void> {
    this.#isOver = true;
    await this.#publishing;
    const accepted = this.outcomes.flatMap((outcome, index) => (outcome === 'accepted' ? [`${index}`] : []));
    const missing = () => accepted.filter((each) => !this.#seen.has(each));
    await expect.poll(missing, { timeout: 30_000 }).toEqual([]);
    expect(this.unmarkedRepeats).toEqual([]);
    const numbers = this.received.map(Number);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  }

  /** Stops publishing, and expects that each message was accepted and came, in order, and that no repeat was unmarked. */
  async expectWhole(): Promise<void> {
    this.#isOver = true;
    await this.#publishing;
    expect(new Set(this.outcomes)).toEqual(new Set(['accepted']));
    await expect.poll(() => this.received.length, { timeout: 30_000 }).toBe(this.outcomes.length);
    expect(this.unmarkedRepeats).toEqual([]);
    expect(this.received).toEqual(this.outcomes.map((_, index) => `${index}`));
  }
}

describe('two processes of one bus', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'go on without each other after %s, long before a lease is over',
    async (signal) => {
      const bus = await BusProcesses.start(servers, 2);
      const [publisher, subscriber] = [await container(bus.url, 'publisher'), await container(bus.url, 'subscriber')];
      const conversation = await Conversation.begin(publisher.plugin, subscriber.plugin);
      await conversation.goOn();
      for (const index of [0, 1, 0]) {
        bus.process(index).signal(signal);
        await conversation.goOn();
        expect(await bus.process(index).exited).toBe(signal === 'SIGKILL' ? signal : 0);
        await bus.start(index);
      }
      await conversation.expectWhole();
      // Some tenths of a second on a machine that has time; a lease is 10 s.
      expect(conversation.longestGapMs).toBeLessThan(6_000);
    },
  );

  test('are one bus to a sidecar that knows only the one that stands by', async () => {
    const bus = await BusProcesses.start(servers, 2);
    const [leads, standsBy] = bus.addresses;
    const asking = await container(standsBy ?? '', 'asking');
    const answering = await container(leads ?? '', 'answering');
    await answering.plugin.serve('demo.question', ({ payload }) => ({ payload: Buffer.from(`${text(payload)}!`) }));
    const ask = async (): Promise<string> => {
      const answer = await asking.plugin.request('demo.question', Buffer.from('well'));
      return answer.outcome === 'answered' ? text(answer.payload) : answer.outcome;
    };
    expect(await ask()).toBe('well!');
    // The one that stood by leads now, and nobody has another address for it.
    bus.process(0).signal('SIGKILL');
    await bus.process(0).exited;
    await bus.start(0);
    await expect.poll(ask, { timeout: 20_000 }).toBe('well!');
  });

  test('decide a grant that waits, and take it away, whichever of them is asked', async () => {
    const bus = await BusProcesses.start(servers, 2);
    const starting = container(bus.url, 'waits', [{ topic: 'ask.price', action: 'publish' }]);
    await expect.poll(() => bus.administer(1, 'grants', 'list')).toContain('ask.price');
    await bus.administer(1, 'grants', 'approve', 'waits', 'publish', 'ask.price');
    const { plugin } = await starting;
    const outcome = async () => (await plugin.publish('ask.price', Buffer.from('?'))).outcome;
    expect(await outcome()).toBe('accepted');
    bus.process(0).signal('SIGKILL');
    await bus.process(0).exited;
    await expect.poll(outcome, { timeout: 10_000 }).toBe('accepted');
    await bus.administer(1, 'grants', 'revoke', 'waits', 'publish', 'ask.price');
    await expect.poll(outcome).toBe('refused');
  });

  test('let a newer sidecar of an instance take over although the older one came by the other process', async () => {
    const bus = await BusProcesses.start(servers, 2);
    const older = await container(bus.addresses[0] ?? '', 'twice');
    await older.plugin.saveState(Buffer.from('of the older'));
    const newer = await container(bus.addresses[1] ?? '', 'twice');
    await older.sidecar.program.seen(/a newer sidecar of this instance took over/);
    expect(text((await newer.plugin.loadState()) ?? Buffer.alloc(0))).toBe('of the older');
  });

  test('a process that is stopped for longer than its lead is refused when it wakes, and stands by', async () => {
    const bus = await BusProcesses.start(servers, 2);
    const { plugin } = await container(bus.addresses[1] ?? '', 'one');
    expect((await plugin.publish('demo.ticks', Buffer.from('before'))).outcome).toBe('accepted');
    bus.process(0).signal('SIGSTOP');
    await bus.process(1).seen(/bus listens/);
    bus.process(0).signal('SIGCONT');
    await bus.process(0).seen(/another process of the bus leads now, and this one stands by/);
    await bus.process(0).seen(/bus stands by/);
    const publish = async () => (await plugin.publish('demo.ticks', Buffer.from('after'))).outcome;
    await expect.poll(publish, { timeout: 30_000 }).toBe('accepted');
    bus.process(1).signal('SIGKILL');
    await bus.process(1).exited;
    await bus.start(1);
    await expect.poll(publish, { timeout: 20_000 }).toBe('accepted');
  });

  test('tell by their metrics which of them serves, and who is registered there', async () => {
    const bus = await BusProcesses.start(servers, 2);
    await container(bus.url, 'one');
    const told = async (index: number) => {
      const metrics = await scrape(await bus.metricsUrl(index));
      return ['serving', 'sessions'].map((name) => sampleSum(metrics, `meridian_bus_${name}`));
    };
    expect([await told(0), await told(1)]).toEqual([
      [1, 1],
      [0, 0],
    ]);
    bus.process(0).signal('SIGSTOP');
    await expect.poll(() => told(1), { timeout: 20_000 }).toEqual([1, 1]);
    bus.process(0).signal('SIGCONT');
    await expect.poll(() => told(0), { timeout: 20_000 }).toEqual([0, 0]);
  });

  test('wait for NATS servers that are all away for a minute, and lose and reorder nothing that was accepted', async () => {
    const bus = await BusProcesses.start(servers, 2);
    const [publisher, subscriber] = [await container(bus.url, 'publisher'), await container(bus.url, 'subscriber')];
    const conversation = await Conversation.begin(publisher.plugin, subscriber.plugin);
    await conversation.goOn();
    await Promise.all(servers.processes.map(killed));
    await sleep(60_000);
    await Promise.all(servers.addresses.map((_, index) => servers.restart(index)));
    await conversation.goOn();
    await conversation.expectAcceptedWhole();
    expect(conversation.outcomes.slice(-100)).toEqual(Array(100).fill('accepted'));
  });

  test('that start at one moment agree on one of them', async () => {
    const first = await BusProcesses.start(servers, 4);
    for (const index of first.addresses.keys()) first.process(index).signal('SIGKILL');
    await Promise.all(first.addresses.map((_, index) => first.process(index).exited));
    await Promise.all(first.addresses.map((_, index) => first.start(index)));
    await sleep(1_500);
    const leading = first.addresses.filter((_, index) => /bus listens/.test(first.process(index).output));
    const left = first.addresses.filter((_, index) => /this one stands by/.test(first.process(index).output));
    expect(leading.length - left.length).toBe(1);
  });
});

test('a store that a bus uses is not moved, in either direction', async () => {
  const bus = await BusProcesses.start(servers, 1);
  const stream = bus.streamOptions;
  const file = path.join(path.dirname(writeTemporary('a', '')), 'bus.sqlite');
  const moving = runCli('bus', 'migrate', '--from', stream[0] ?? '', '--to', file, ...stream.slice(1));
  expect(await moving.exited).toBe(78);
  expect(moving.stderr).toContain(`a bus uses the stream`);
  expect(moving.stderr).toContain(bus.addresses[0]);
  expect(bus.process(0).output).not.toContain('stands by');
});
