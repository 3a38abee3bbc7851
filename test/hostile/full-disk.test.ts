import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Gate } from '../../src/base/async/gate.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, startBus, startSidecar } from '../sidecar/processes.ts';

let disk: string;

beforeEach(() => {
  disk = mkdtempSync(path.join(tmpdir(), 'meridian-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
});
afterEach(async () => {
  await endAll();
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

const topic = 'platform.oms.fill';
const payload = (text: string): Buffer => Buffer.alloc(60_000, `${text} `);

/** Takes the room that the disk has left, as another program may. */
function fillDisk(leftBytes: number): void {
  const { bavail, bsize } = statfsSync(disk);
  appendFileSync(path.join(disk, 'others'), Buffer.alloc(bavail * bsize - leftBytes));
}

const enlargeDisk = (): unknown => execFileSync('mount', ['-o', 'remount,size=48m', disk]);

async function diskFull(metrics: string): Promise<string | undefined> {
  const text = await (await fetch(`${metrics}/metrics`)).text();
  return /^meridian_bus_store_disk_full (\d)$/m.exec(text)?.[1];
}

test('on a full disk publishes are refused, and acknowledging, saving state and leaving go on', async () => {
  const store = path.join(disk, 'bus.sqlite');
  const bus = await startBus(undefined, store, '--metrics', '127.0.0.1:0');
  const [, port = ''] = await bus.program.seen(/metrics are served port=(\d+)/);
  const metrics = `http://127.0.0.1:${port}`;
  const sidecar = await startSidecar(bus.address);
  const plugin = await connectPlugin(sidecar.address);
  const mayHandle = new Gate(false);
  const handled = new Set<string>();
  await plugin.subscribe(topic, { name: 'slow' }, async (message) => {
    await mayHandle.opened();
    handled.add(Buffer.from(message.payload).toString('utf8', 0, 8));
  });

  let accepted = 0;
  let refusal = '';
  while (refusal === '') {
    const outcome = await plugin.publish(topic, payload(`${accepted}`));
    if (outcome.outcome === 'accepted') accepted += 1;
    else refusal = JSON.stringify(outcome);
  }
  expect(accepted).toBeGreaterThan(50);
  expect(refusal).toContain('the disk of the store is full');
  expect(await diskFull(metrics)).toBe('1');
  fillDisk(0);

  await plugin.saveState(Buffer.alloc(20_000, 1));
  await plugin.saveState(Buffer.alloc(20_000, 2));
  mayHandle.set(true);
  await expect.poll(() => handled.size, { timeout: 60_000 }).toBe(accepted);
  expect((await fetch(`${sidecar.healthUrl}/readyz`)).status).toBe(200);
  expect(sidecar.program.output).not.toContain('the session with the bus is lost');
  expect(bus.program.output.match(/the disk of the store is full/g)).toHaveLength(1);

  // What was acknowledged left room in the file, though not on the disk.
  await expect
    .poll(async () => (await plugin.publish(topic, payload('in the file'))).outcome, { timeout: 30_000 })
    .toBe('accepted');

  sidecar.program.signal('SIGTERM');
  expect(await sidecar.program.exited).toBe(0);
  bus.program.signal('SIGTERM');
  expect(await bus.program.exited).toBe(0);

  fillDisk(1_000_000);
  const again = await startBus(undefined, store, '--metrics', '127.0.0.1:0');
  await again.program.seen(/the disk of the store is full/);
  const second = await connectPlugin((await startSidecar(again.address)).address);
  expect((await second.loadState())?.length).toBe(20_000);
  enlargeDisk();
  await again.program.seen(/the disk of the store has space again/);
  expect((await second.publish(topic, payload('at last'))).outcome).toBe('accepted');
});
