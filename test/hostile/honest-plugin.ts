// The process of the honest client: `honest-plugin.ts PLUGIN_PORT HEALTH_URL`.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectPlugin } from '../sidecar/plugins.ts';
import type { HonestVerdict } from './honest-client.ts';

/** A publish waits in the outbox for no longer than this; nothing else may take longer either. */
const deadlineMs = 30_000;
/** So that the attacker has the machine and not this process. */
const pauseMs = 10;
const topic = 'platform.oms.honest';

const [address = '', healthUrl = ''] = process.argv.slice(2);
const plugin = await connectPlugin(address);
const waiting = new Map<string, () => void>();
let isEnding = false;
process.once('SIGTERM', () => {
  isEnding = true;
});
await plugin.subscribe(topic, { name: 'honest' }, ({ payload }) => {
  waiting.get(Buffer.from(payload).toString())?.();
});
const state = { rounds: 0, slowestMs: 0, slowest: '', accepted: 0, lost: 0 };
for (let more = 2; more > 0; more -= isEnding ? 1 : 0) {
  await round(state.rounds + 1);
  state.rounds += 1;
  process.stdout.write(`round ${state.rounds}\n`);
  await sleep(pauseMs);
}
process.stdout.write(`verdict ${JSON.stringify(state satisfies HonestVerdict)}\n`);
await plugin.stop('the attack is over');
process.exit();

async function round(number: number): Promise<void> {
  const delivered = new Promise<void>((resolve) => waiting.set(`${number}`, resolve));
  await timed('publish', publishUntilAccepted(number));
  state.accepted += 1;
  state.lost += 1;
  await timed('delivery', delivered);
  state.lost -= 1;
  waiting.delete(`${number}`);
  await timed('probe', probe());
}

/** As the documentation tells a plugin: what is refused or unknown is published again, under its key. */
async function publishUntilAccepted(number: number): Promise<void> {
  for (;;) {
    const publish = plugin.publish(topic, Buffer.from(`${number}`), { dedupKey: `${number}` });
    const { outcome } = await publish.catch(() => ({ outcome: 'refused' as const }));
    if (outcome === 'accepted') return;
    await sleep(pauseMs);
  }
}

async function probe(): Promise<void> {
  const reply = await fetch(`${healthUrl}/livez`);
  await reply.text();
  if (!reply.ok) throw new Error(`/livez answered ${reply.status}`);
}

async function timed(what: string, answer: Promise<void>): Promise<void> {
  const sentMs = performance.now();
  const late = new AbortController();
  const deadline = AbortSignal.timeout(deadlineMs);
  const isLate = once(deadline, 'abort', { signal: late.signal }).then(
    () => {
      throw new Error(`${what} had no answer within ${deadlineMs} ms: ${JSON.stringify(state)}`);
    },
    () => {},
  );
  await Promise.race([answer, isLate]);
  late.abort();
  const tookMs = Math.round(performance.now() - sentMs);
  if (tookMs > state.slowestMs) Object.assign(state, { slowestMs: tookMs, slowest: what });
}
