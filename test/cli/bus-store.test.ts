import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Gate } from '../../src/base/async/gate.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, policyText, runCli, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

/** A place for a store in a directory of its own. */
const newPlace = (): string => path.join(path.dirname(writeTemporary('policy.yml', policyText)), 'bus.sqlite');

describe('meridian-sidecar bus --store FILE', () => {
  test('says which file it is, keeps it locked, and leaves one complete file when it stops', async () => {
    const file = newPlace();
    const bus = await startBus(undefined, file);
    expect(bus.program.stdout).toContain(` store=${file}\n`);

    const second = runCli(
      'bus',
      '--listen',
      '127.0.0.1:0',
      '--policy',
      writeTemporary('p.yml', policyText),
      '--store',
      file,
    );
    expect(await second.exited).toBe(78);
    expect(second.stderr).toContain(`another process has ${file} open`);
    expect(second.stderr).toMatch(/ {2}\[bus\/store\/locked\]\n$/);

    const sidecar = await startSidecar(bus.address);
    sidecar.program.signal('SIGTERM');
    expect(await sidecar.program.exited).toBe(0);
    bus.program.signal('SIGTERM');
    expect(await bus.program.exited).toBe(0);
    expect(bus.program.stderr).toBe('');
    expect(readdirSync(path.dirname(file)).filter((name) => name.startsWith('bus.'))).toEqual(['bus.sqlite']);
  });

  test('goes on after kill -9: the sidecar keeps its epoch, and the next one gets a higher one', async () => {
    const file = newPlace();
    const first = await startBus(undefined, file);
    const sidecar = await startSidecar(first.address);
    const [, epoch = ''] = await first.program.seen(/activated instance=oms-1 epoch=(\d+)/);
    first.program.signal('SIGKILL');
    await first.program.exited;
    const second = await startBus(first.address, file);
    await second.program.seen(new RegExp(`registered instance=oms-1 .*epoch=${epoch}`));
    sidecar.program.signal('SIGTERM');
    expect(await sidecar.program.exited).toBe(0);
    await startSidecar(second.address);
    // The first sidecar may have activated its own epoch again before it heard the signal.
    const another = new RegExp(`activated instance=oms-1 epoch=(?!${epoch}\\b)(\\d+)`);
    const [, later = ''] = await second.program.seen(another);
    expect(BigInt(later)).toBeGreaterThan(BigInt(epoch));
  });

  test('refuses a file in a directory that is not there, without a stack', async () => {
    const file = path.join(newPlace(), 'missing', 'bus.sqlite');
    const bus = runCli('bus', '--policy', writeTemporary('p.yml', policyText), '--store', file);
    expect(await bus.exited).toBe(74);
    expect(bus.stderr).toMatch(/ {2}\[bus\/store\/unusable\]\n$/);
    expect(bus.stderr).not.toMatch(/^ {4}at /m);
    expect(existsSync(file)).toBe(false);
  });

  test('a store that holds --store-bytes refuses publishes, and acknowledging makes room for them', async () => {
    const bus = await startBus(undefined, newPlace(), '--store-bytes', '1MiB');
    const sidecar = await startSidecar(bus.address);
    const plugin = await connectPlugin(sidecar.address);
    const mayHandle = new Gate(false);
    let handled = 0;
    await plugin.subscribe('platform.oms.fill', { name: 'slow' }, async () => {
      await mayHandle.opened();
      handled += 1;
    });
    const publish = () => plugin.publish('platform.oms.fill', Buffer.alloc(100_000));
    let accepted = 0;
    while ((await publish()).outcome === 'accepted') accepted += 1;
    expect(await publish()).toMatchObject({ reason: expect.stringContaining('the store is full') });
    await plugin.saveState(Buffer.from('saved'));
    mayHandle.set(true);
    await expect.poll(() => handled).toBe(accepted);
    await expect.poll(async () => (await publish()).outcome).toBe('accepted');
    expect(sidecar.program.output).not.toContain('the session with the bus is lost');
    sidecar.program.signal('SIGTERM');
    expect(await sidecar.program.exited).toBe(0);
  });
});
