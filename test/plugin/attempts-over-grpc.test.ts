import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../../src/plugin/message.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, Program, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'meridian-attempts-'));
  copyFileSync('dist/meridian-plugin/meridian-plugin.mjs', path.join(directory, 'meridian-plugin.mjs'));
  writeFileSync(
    path.join(directory, 'stuck.mjs'),
    `import { connect } from './meridian-plugin.mjs';
     const plugin = await connect();
     const deadLetters = { afterAttempts: 2, topic: 'platform.oms.dead.all' };
     await plugin.subscribe('platform.oms.*', { name: 'all', deadLetters }, ({ payload, attempt }) => {
       console.log(\`\${Buffer.from(payload)}: attempt \${attempt}\`);
       return new Promise(() => {});
     });
     console.log('subscribed');`,
  );
});
afterEach(async () => {
  await endAll();
  rmSync(directory, { recursive: true, force: true });
});

const startStuck = (address: string): Program =>
  new Program([path.join(directory, 'stuck.mjs')], { SIDECAR_ADDR: address });

/** A bus on a file, and a plugin in this process that publishes and takes the dead letters. */
async function busAndWatcher() {
  const bus = await startBus('127.0.0.1:0', path.join(directory, 'bus.sqlite'));
  const sidecar = await startSidecar(bus.address, { INSTANCE_ID: 'oms-watcher' });
  const watcher = await connectPlugin(sidecar.address);
  const letters: Message[] = [];
  const first = Promise.withResolvers<Message>();
  await watcher.subscribe('platform.oms.dead.*', { name: 'dead' }, (letter) => {
    letters.push(letter);
    first.resolve(letter);
  });
  return { bus, watcher, letters, firstLetter: first.promise };
}

describe('through processes', () => {
  test('a message that a plugin was killed over twice is a dead letter, and the next plugin gets what is behind it', async () => {
    const { bus, watcher, firstLetter } = await busAndWatcher();
    const { address } = await startSidecar(bus.address);
    let plugin = startStuck(address);
    await plugin.seen(/subscribed/);
    await watcher.publish('platform.oms.orders', Buffer.from('poison'));
    for (const attempt of [1, 2]) {
      await plugin.seen(new RegExp(`poison: attempt ${attempt}`));
      plugin.signal('SIGKILL');
      await plugin.exited;
      plugin = startStuck(address);
    }
    const letter = await firstLetter;
    expect([letter.topic, Buffer.from(letter.payload).toString()]).toEqual(['platform.oms.dead.all', 'poison']);
    await watcher.publish('platform.oms.orders', Buffer.from('next'));
    await plugin.seen(/next: attempt 1/);
    expect(plugin.stdout).not.toContain('poison');
    await watcher.stop('done');
  });

  test('what a stopping sidecar hands back is no attempt, however often', async () => {
    const { bus, watcher, letters } = await busAndWatcher();
    const hasty = {
      SIDECAR_CONFIG: writeTemporary('sidecar.yml', 'shutdown: { total: 1h, drain: 200ms, flush: 30m }\n'),
    };
    let plugin: Program | undefined;
    for (let start = 1; start <= 4; start += 1) {
      const { program, address } = await startSidecar(bus.address, hasty);
      plugin = startStuck(address);
      await plugin.seen(/subscribed/);
      if (start === 1) await watcher.publish('platform.oms.orders', Buffer.from('patience'));
      await plugin.seen(/patience: attempt 1/);
      program.signal('SIGTERM');
      expect(await program.exited).toBe(74);
      plugin.signal('SIGKILL');
      await plugin.exited;
    }
    expect(letters).toEqual([]);
    await watcher.stop('done');
  });

  test('a subscription that starts at a time gets what was published since, before what is new', async () => {
    const { bus, watcher } = await busAndWatcher();
    await watcher.publish('platform.oms.orders', Buffer.from('too early'));
    const sinceNs = BigInt(Date.now() + 1) * 1_000_000n;
    while (BigInt(Date.now()) * 1_000_000n <= sinceNs) await new Promise(setImmediate);
    for (const text of ['1', '2']) await watcher.publish('platform.oms.orders', Buffer.from(text));
    const { address } = await startSidecar(bus.address);
    const plugin = await connectPlugin(address);
    const received: string[] = [];
    const third = Promise.withResolvers<void>();
    const opening = plugin.subscribe('platform.oms.*', { name: 'late', startTimeNs: sinceNs }, ({ payload }) => {
      received.push(Buffer.from(payload).toString());
      if (received.length === 3) third.resolve();
    });
    await watcher.publish('platform.oms.orders', Buffer.from('3'));
    await opening;
    await third.promise;
    expect(received).toEqual(['1', '2', '3']);
    await Promise.all([watcher.stop('done'), plugin.stop('done')]);
  });
});
