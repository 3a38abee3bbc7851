import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runChaos } from '../chaos/chaos-run.ts';
import { eventually, killed, type NatsServers, startServers } from './nats-server.ts';
import { openStore } from './open-store.ts';

let servers: NatsServers;
beforeAll(async () => {
  servers = await startServers(3);
  await (await eventually(() => openStore(servers))).close();
});
afterAll(() => servers.stop());

/** Kills one server after another and starts it again, until it is told to stop. Resolves with how many were killed. */
async function killServers(signal: AbortSignal): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    await sleep(12_000, undefined, { signal }).catch(() => {});
    if (signal.aborted) return kills;
    const index = kills % servers.addresses.length;
    const child = servers.processes[index];
    if (child) await killed(child);
    await sleep(1_000);
    await servers.restart(index);
  }
}

test('kill -9 of plugins, sidecars, two processes of a bus and NATS servers loses nothing, repeats nothing unmarked and keeps order', async () => {
  const over = new AbortController();
  const killing = killServers(over.signal);
  try {
    await runChaos([`nats://${servers.addresses.join(',')}`, '--store-replicas', '3', '--keep-messages', '20000'], 2);
  } finally {
    over.abort();
    expect(await killing).toBeGreaterThan(0);
  }
});
