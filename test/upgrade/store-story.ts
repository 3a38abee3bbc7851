import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { DeliveredMessage } from '../../src/plugin/message.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { type Program, type RunningProgram, runCli, spawnSidecar, writeTemporary } from '../sidecar/processes.ts';

/** What plugins hear has to be approved. */
const policy = `
deployment: upgrade
admins: [anonymous]
rules:
  - { principals: ['*'], instances: ['oms-*'], pools: [OMSPool], publish: [platform.oms.**] }
  - { principals: ['*'], instances: ['oms-*'], pools: [OMSPool], subscribe: [platform.oms.**], approval: manual }
`;

const grants = ['publish', 'subscribe'].map((action) => ({ topic: 'platform.oms.**', action }));

/** The file is kept for years, and so are the things in it that otherwise have an end. */
const forEver = '9999999h';
export const endless = ['--subscription-idle', forEver, '--subscription-idle-max', forEver, '--dedup-window', forEver];

export const state = '{"starts":1}';
export const published = 10;
export const acknowledged = 4;
const orderKey = (number: number): string => `order-${number}`;

export async function startBusOn(file: string): Promise<RunningProgram> {
  const policyFile = writeTemporary('policy.yml', policy);
  const program = runCli('bus', '--listen', '127.0.0.1:0', '--policy', policyFile, '--store', file, ...endless);
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address };
}

/** Starts a sidecar with its plugin. `isNew`: it has to wait for the approval of its grants, which it gets. */
export async function startPlugin(
  bus: string,
  instanceId: string,
  isNew = false,
): Promise<{ sidecar: Program; plugin: Plugin }> {
  const sidecar = spawnSidecar(bus, { INSTANCE_ID: instanceId, REQUESTED_GRANTS: JSON.stringify(grants) });
  if (isNew) {
    await sidecar.seen(/grants approve/);
    await runCli('bus', 'grants', 'approve', instanceId, '--all', '--bus', bus).exited;
  }
  const [, address = ''] = await sidecar.seen(/plugin port listens address=(\S+)/);
  await sidecar.seen(/startup 8\/8/);
  return { sidecar, plugin: await connectPlugin(address) };
}

export const publishOrder = (plugin: Plugin, number: number) =>
  plugin.publish('platform.oms.orders', Buffer.from(`${number}`), { dedupKey: orderKey(number) });

const textOf = ({ payload }: DeliveredMessage): string => Buffer.from(payload).toString();

/** A copy of what `make-store.ts` of an earlier release left. Such a file stands for those that are out there, so it never changes. */
export function storeOf(release: string): string {
  const file = path.join(path.dirname(writeTemporary('store', '')), 'bus.sqlite');
  writeFileSync(file, gunzipSync(readFileSync(path.join(import.meta.dirname, `store-${release}.sqlite.gz`))));
  return file;
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `${from + at}`);

/** Starts a bus on the store, and shows by plugins that it has all that `make-store.ts` left, and goes on. */
export async function expectToGoOn(store: string): Promise<void> {
  const bus = await startBusOn(store);
  // Their grants were approved, so both start at once.
  const writer = await startPlugin(bus.address, 'oms-writer');
  const reader = await startPlugin(bus.address, 'oms-reader');
  expect(Buffer.from((await writer.plugin.loadState()) ?? []).toString()).toBe(state);

  const again = await publishOrder(writer.plugin, 1);
  expect(again).toMatchObject({ outcome: 'accepted', duplicate: true });
  expect(await publishOrder(writer.plugin, published + 1)).toMatchObject({ outcome: 'accepted', duplicate: false });

  const received: { readonly text: string; readonly isMarked: boolean }[] = [];
  const complete = Promise.withResolvers<void>();
  await reader.plugin.subscribe('platform.oms.orders', { name: 'all' }, (message) => {
    received.push({ text: textOf(message), isMarked: message.maybeRedelivered });
    if (textOf(message) === `${published + 1}`) complete.resolve();
  });
  await complete.promise;
  expect(received.map(({ text }) => text)).toEqual(numbers(acknowledged + 1, published + 1));
  expect([received[0]?.isMarked, received.at(-1)?.isMarked]).toEqual([true, false]);

  const letter = Promise.withResolvers<string>();
  await reader.plugin.subscribe('platform.oms.dead', { name: 'all-dead', startTimeNs: 1n }, (message) =>
    letter.resolve(textOf(message)),
  );
  expect(await letter.promise).toBe('poison');

  await Promise.all([writer.plugin.stop('done'), reader.plugin.stop('done')]);
  bus.program.signal('SIGTERM');
  expect(await bus.program.exited).toBe(0);
}
