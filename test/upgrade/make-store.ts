// Makes a store as the release of this checkout leaves it: `node test/upgrade/make-store.ts FILE`. See upgrade.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { endAll, writeTemporary } from '../sidecar/processes.ts';
import { acknowledged, published, publishOrder, startBusOn, startPlugin, state } from './store-story.ts';

const [, , target] = process.argv;
if (!target) throw new Error('name the file to make, as store-0.1.0.sqlite.gz');
const file = path.join(path.dirname(writeTemporary('store', '')), 'bus.sqlite');
const bus = await startBusOn(file);
const writer = await startPlugin(bus.address, 'oms-writer', true);
const reader = await startPlugin(bus.address, 'oms-reader', true);
const held = Promise.withResolvers<void>();
let taken = 0;
await reader.plugin.subscribe('platform.oms.orders', { name: 'all' }, () => {
  taken += 1;
  if (taken <= acknowledged) return;
  held.resolve();
  return new Promise<void>(() => {});
});
const dead = Promise.withResolvers<void>();
await reader.plugin.subscribe('platform.oms.dead', { name: 'dead' }, () => dead.resolve());
const deadLetters = { afterAttempts: 1, topic: 'platform.oms.dead' };
await reader.plugin.subscribe('platform.oms.poison', { name: 'poison', deadLetters }, () => {
  throw new Error('as often as it comes');
});
for (let number = 1; number <= published; number += 1) await publishOrder(writer.plugin, number);
await writer.plugin.publish('platform.oms.poison', Buffer.from('poison'));
await writer.plugin.saveState(Buffer.from(state));
await Promise.all([held.promise, dead.promise]);
for (const { sidecar } of [writer, reader]) {
  sidecar.signal('SIGKILL');
  await sidecar.exited;
}
bus.program.signal('SIGTERM');
await bus.program.exited;
writeFileSync(target, gzipSync(readFileSync(file), { level: 9 }));
await endAll();
process.exit();
