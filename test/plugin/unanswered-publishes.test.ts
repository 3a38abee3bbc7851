import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { Plugin } from '../../src/plugin/plugin.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { startSilentPeer } from './silent-peer.ts';

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function startPlugin(address: string): Promise<Plugin> {
  const options = { schemaVersion: '1', waitTimeoutMs: 30_000, network: grpcNetwork, scheduler: realScheduler };
  const plugin = await Plugin.connect({ ...options, address, log: silentLog });
  opened.push(() => plugin.stop('test over'));
  return plugin;
}

/** The first bytes say the number. */
function payloadOf(index: number, byteLength: number): Uint8Array {
  const payload = Buffer.alloc(byteLength);
  payload.write(String(index).padStart(8, '0'));
  return payload;
}

test.each([
  { what: 'messages', byteLength: 8, count: 70_000, unansweredMax: 65_536 },
  { what: 'bytes, of which a large message has a call of its own', byteLength: 900_000, count: 80, unansweredMax: 74 },
])(
  'as many publishes as the limit of $what are unanswered, and the next wait',
  { timeout: 60_000 },
  async ({ byteLength, count, unansweredMax }) => {
    const peer = await startSilentPeer();
    opened.push(() => peer.close());
    const plugin = await startPlugin(peer.address);
    const publish = (_: unknown, index: number) => plugin.publish('demo.ticks', payloadOf(index, byteLength));
    const publishes = Array.from({ length: count }, publish);
    await expect.poll(() => peer.received.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(unansweredMax);
    // What had been sent beside them would have arrived before these answers.
    for (let round = 0; round < 20; round += 1) await plugin.loadState();
    expect(peer.received).toHaveLength(unansweredMax);
    peer.answer();
    const late = plugin.publish('demo.ticks', payloadOf(count, byteLength));
    const outcomes = await Promise.all([...publishes, late]);
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    expect(peer.unansweredPeak()).toBe(unansweredMax);
    const numbers = peer.received.map(Number);
    // Large ones have calls of their own, which may overtake one another.
    if (byteLength > 64 * 1024) numbers.sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: count + 1 }, (_, index) => index));
  },
);
