// `npm run bench:sizing`: what a bus takes for 10, 100 and 1,000 sessions on each store, as the table of docs/bus.md. Each session has a subscription of its own,
// and publishes to it one message after the other. The sessions are this one process, which shares the machine.
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startServers } from '../cluster/nats-server.ts';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';
import { BareSession } from './bare-session.ts';
import { percentile } from './percentile.ts';
import { cpuMs } from './programs/cpu-time.ts';
import { residentMb } from './programs/resident-memory.ts';
import { newStoreFile } from './programs/shipped.ts';

const { values } = parseArgs({
  options: { sessions: { type: 'string', multiple: true }, seconds: { type: 'string' } },
});
const counts = (values.sessions ?? ['10', '100', '1000']).map(Number);
const backlogMessages = 100_000;
const lastsMs = Number(values.seconds ?? 5) * 1_000;
/** A principal may have 512 connections. */
const tokens = ['one-token', 'two-token', 'three-token', 'four-token'];
const policy = `
deployment: sizing
tokens: { ${tokens.map((token, index) => `${createHash('sha256').update(token).digest('hex')}: p${index}`).join(', ')} }
rules:
  - principals: ['*']
    instances: ['*']
    pools: [OMSPool]
    quotas: { publishes_per_second: 1000000, bytes_per_second: 1000000000 }
    publish: [sizing.**]
    subscribe: [sizing.**]
`;

const servers = await startServers(3);
const stores: readonly (readonly [string, () => readonly string[]])[] = [
  ['memory', () => ['memory']],
  ['SQLite', () => [newStoreFile()]],
  ['three NATS servers', () => [`nats://${servers.addresses.join(',')}`, '--store-replicas', '3']],
];
process.stdout.write('| store | sessions, of subscriptions each | messages/s | p50, p99 | memory | CPU a message |\n');
process.stdout.write('|---|---|---|---|---|---|\n');
try {
  for (const [name, store] of stores) {
    for (const count of counts) process.stdout.write(await row(name, store(), { count, subscriptions: 1 }));
    for (const subscriptions of [10, 50]) {
      process.stdout.write(await row(name, store(), { count: 100, subscriptions }));
    }
  }
  process.stdout.write(
    '\n| store | messages of 256 bytes that nobody takes | memory before, with them | publishes/s before, with them |\n',
  );
  process.stdout.write('|---|---|---|---|\n');
  for (const [name, store] of stores) process.stdout.write(await backlogRow(name, store(), backlogMessages));
} finally {
  await servers.stop();
}

/** A subscription that is not used holds all that its topic gets. */
async function backlogRow(name: string, store: readonly string[], messages: number): Promise<string> {
  const { bus, address } = await startBus('backlog', store);
  const idle = await BareSession.open(address, 'idle', tokens[0]);
  await idle.subscribe(['sizing.backlog']);
  idle.close();
  const publisher = await BareSession.open(address, 'publisher', tokens[1]);
  const publish = async (topic: string, count: number): Promise<number> => {
    const startMs = performance.now();
    await publisher.publishMany(topic, count, 256);
    return (count / (performance.now() - startMs)) * 1_000;
  };
  await publish('sizing.taken', 5_000);
  const before = { mb: residentMb(bus.pid, 'VmRSS'), rate: await publish('sizing.taken', 10_000) };
  await publish('sizing.backlog', messages);
  const after = { rate: await publish('sizing.taken', 10_000), mb: residentMb(bus.pid, 'VmRSS') };
  publisher.close();
  await endAll();
  const [mb, rates] = [
    [before.mb, after.mb],
    [before.rate, after.rate],
  ].map((pair) => pair.map(Math.round).join(', '));
  return `| ${name} | ${messages} | ${mb} MB | ${rates} |\n`;
}

async function startBus(deployment: string, store: readonly string[]) {
  const place = ['--listen', '127.0.0.1:0', '--policy', writeTemporary('policy.yml', policy)];
  const bus = runCli('bus', ...place, '--deployment', `sizing-${deployment}`, '--store', ...store);
  const [, address = ''] = await bus.seen(/bus listens address=(\S+)/);
  return { bus, address };
}

async function row(
  name: string,
  store: readonly string[],
  { count, subscriptions }: { readonly count: number; readonly subscriptions: number },
): Promise<string> {
  const { bus, address } = await startBus(`${count}-${subscriptions}`, store);
  const sessions: BareSession[] = [];
  for (let index = 0; index < count; index += 1) {
    const session = await BareSession.open(address, `s-${index}`, tokens[index % tokens.length]);
    await session.subscribe(
      Array.from({ length: subscriptions }, (_, at) => `sizing.s${index}${at === 0 ? '' : `.${at}`}`),
    );
    sessions.push(session);
  }
  await run(sessions, lastsMs / 5);
  const cpuBeforeMs = cpuMs(bus.pid);
  const tookMs = await run(sessions, lastsMs);
  const cpuUs = ((cpuMs(bus.pid) - cpuBeforeMs) * 1_000) / tookMs.length;
  const memoryMb = residentMb(bus.pid, 'VmRSS');
  for (const session of sessions) session.close();
  await endAll();
  const rate = (tookMs.length / lastsMs) * 1_000;
  const [p50, p99] = [50, 99].map((share) => percentile(tookMs, share).toFixed(1));
  return `| ${name} | ${count} of ${subscriptions} | ${Math.round(rate)} | ${p50}, ${p99} ms | ${Math.round(memoryMb)} MB | ${Math.round(cpuUs)} µs |\n`;
}

/** @returns how long each message took from its publish until it was delivered and its acknowledgement was stored. */
async function run(sessions: readonly BareSession[], forMs: number): Promise<number[]> {
  const tookMs: number[] = [];
  const endMs = performance.now() + forMs;
  const goOn = async (session: BareSession, index: number): Promise<void> => {
    while (performance.now() < endMs) {
      const startMs = performance.now();
      await session.publishAndTake(`sizing.s${index}`);
      tookMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(sessions.map(goOn));
  return tookMs;
}
