import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';
import { acknowledged, published, publishOrder, startBusOn, startPlugin, state, textOf } from './store-story.ts';

afterEach(endAll);

/** A copy of what `make-store.ts` of an earlier release left. Such a file stands for those that are out there, so it never changes. */
function storeOf(release: string): string {
  const file = path.join(path.dirname(writeTemporary('store', '')), 'bus.sqlite');
  writeFileSync(file, gunzipSync(readFileSync(path.join(import.meta.dirname, `store-${release}.sqlite.gz`))));
  return file;
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `${from + at}`);

test.each(['0.1.0'])('a store of %s is opened with all that it had, and goes on', async (release) => {
  const file = storeOf(release);
  const bus = await startBusOn(file);
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
  const check = runCli('bus', 'check', file);
  expect([await check.exited, check.stderr]).toEqual([0, '']);
});
