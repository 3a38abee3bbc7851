import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, onTestFailed, test } from 'vitest';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { V1Client } from '../sidecar/v1-client.ts';
import type { LedgerEntry } from './entries.ts';
import { Fleet } from './fleet.ts';
import { JournalReader } from './journal.ts';

let fleet: Fleet | undefined;
afterEach(async () => {
  await fleet?.killAll();
});

async function startFleet(name: string): Promise<Fleet> {
  const directory = path.resolve(import.meta.dirname, `../../build/chaos/${name}`);
  rmSync(directory, { recursive: true, force: true });
  onTestFailed(() => void process.stderr.write(`the timeline, journals and logs are in ${directory}\n`));
  fleet = await Fleet.start(directory);
  return fleet;
}

async function publishNumbers(plugin: Plugin, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 1) {
    expect(await plugin.publish('chaos.numbers', Buffer.from(`${number}`))).toMatchObject({ outcome: 'accepted' });
  }
}

test('a plugin that is killed 20 times in a row gets what is unacknowledged at once, in order and marked, each time', async () => {
  const fleet = await startFleet('crash-loop');
  const publisher = await connectPlugin(await fleet.startSidecar('publisher'));
  await fleet.startContainer({ instance: 'keeper', program: 'keeper', args: ['chaos.*'] });
  const journal = new JournalReader<LedgerEntry>(fleet.journalFile('keeper'));
  const subscriptions = (): number => journal.entries.filter(({ kind }) => kind === 'subscribed').length;
  await journal.until('its subscription', () => subscriptions() === 1);
  const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
  await publishNumbers(publisher, 1, 8);
  await journal.until('the first deliveries', (entries) => entries.length === 1 + numbers.length);

  const received = journal.entries.filter((entry) => entry.kind === 'received');
  expect(received.map(({ number, marked }) => [number, marked])).toEqual(numbers.map((number) => [number, false]));
  let startingMs = 0;
  let deliveringMs = 0;
  for (let kill = 1; kill <= 20; kill += 1) {
    const before = journal.entries.length;
    const killedAtMs = performance.now();
    await fleet.kill('plugin keeper');
    fleet.start('plugin keeper');
    await journal.until('its subscription', () => subscriptions() === 1 + kill);
    const subscribedAtMs = performance.now();
    await journal.until('all of it again', (entries) => entries.length === before + 1 + numbers.length);
    startingMs += subscribedAtMs - killedAtMs;
    deliveringMs += performance.now() - subscribedAtMs;
    const again = journal.entries.slice(before).filter((entry) => entry.kind === 'received');
    expect(again.map(({ number, marked }) => [number, marked])).toEqual(numbers.map((number) => [number, true]));
  }
  // At once: any timer that could bring messages again, of a lease, a drain or a health check, outlasts a start by far.
  expect(deliveringMs).toBeLessThan(startingMs);
  journal.close();
  expect(fleet.ownEnds).toEqual([]);
  await publisher.stop('done');
});

test('a v1 plugin whose sidecar is killed goes on after what it was handed, and misses nothing', async () => {
  const fleet = await startFleet('v1');
  const publisher = await connectPlugin(await fleet.startSidecar('publisher'));
  const address = await fleet.startSidecar('v1');
  let next = 1;
  for (let kill = 0; kill <= 10; kill += 1) {
    const client = new V1Client(address);
    await admitted(client);
    const subscription = await client.subscribed('chaos.*');
    await publishNumbers(publisher, next + (kill === 0 ? 0 : 5), next + 9);
    let last = 0;
    while (last < next + 9) {
      const { payload } = await subscription.next();
      const number = Number(payload.toString());
      // What was handed over shortly before the kill may come again; nothing is left out.
      expect(number).toBeLessThanOrEqual(Math.max(last + 1, next));
      last = number;
    }
    next += 10;
    await fleet.kill('sidecar v1');
    client.close();
    await publishNumbers(publisher, next, next + 4);
    fleet.start('sidecar v1');
  }
  await publisher.stop('done');
});

/** The sidecar may still be starting: grpc-js connects again by itself, and the call waits for that. */
async function admitted(client: V1Client): Promise<void> {
  await client.ready();
  expect(await client.register()).toMatchObject({ admitted: true });
}
