import { expect, test } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import { sleep } from '../../../src/base/scheduler.ts';
import { VirtualScheduler } from '../../../src/base/virtual-scheduler.ts';
import { LoadShedding } from '../../../src/sidecar/memory/load-shedding.ts';

const mebibyte = 1024 * 1024;

/** A process of 100 MiB whose use the test sets; `garbageMiB` of it goes when it is collected. */
function watched() {
  const scheduler = new VirtualScheduler(1);
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'text', write: (line) => lines.push(line), wallTimeNs: () => 0n });
  const use = { usedMiB: 50, garbageMiB: 0, collections: 0 };
  const shedding = new LoadShedding({
    scheduler,
    log,
    percent: { begin: 85, end: 75 },
    read: () => [{ what: 'memory', usedBytes: use.usedMiB * mebibyte, limitBytes: 100 * mebibyte }],
    collectGarbage() {
      use.collections += 1;
      use.usedMiB -= use.garbageMiB;
      use.garbageMiB = 0;
    },
  });
  shedding.start();
  return { shedding, use, lines, look: () => scheduler.run(sleep(scheduler, 60)), run: scheduler };
}

test('sheds from the upper threshold on until the lower one, with one line for each', async () => {
  const { shedding, use, lines, look } = watched();
  let ends = 0;
  shedding.onEnd(() => {
    ends += 1;
  });
  await look();
  shedding.admit();
  use.usedMiB = 86;
  await look();
  expect(() => shedding.admit()).toThrow(
    expect.objectContaining({
      code: 'RESOURCE_EXHAUSTED',
      message: 'the sidecar is short of memory: 86 MiB of 100 MiB; try again',
    }),
  );
  use.usedMiB = 80;
  await look();
  expect(() => shedding.admit()).toThrow('80 MiB of 100 MiB');
  expect(ends).toBe(0);
  use.usedMiB = 74;
  await look();
  shedding.admit();
  expect(ends).toBe(1);
  expect(shedding.refused).toBe(2);
  expect(lines).toEqual([
    'WARN  short of memory: 86 MiB of 100 MiB; new publishes and calls are refused',
    expect.stringMatching(/^INFO {2}enough memory again forMs=\d+ refused=2$/),
  ]);
});

test('sheds nothing for what is only garbage, and does not collect at every look', async () => {
  const { shedding, use, lines, look } = watched();
  use.usedMiB = 95;
  use.garbageMiB = 30;
  await look();
  expect(shedding.isShedding).toBe(false);
  use.usedMiB = 95;
  await look();
  expect(shedding.isShedding).toBe(true);
  await look();
  expect(use.collections).toBe(1);
  expect(lines).toHaveLength(1);
});

test('looks no more once it is stopped', async () => {
  const { shedding, use, look } = watched();
  shedding.stop();
  use.usedMiB = 99;
  await look();
  expect(shedding.isShedding).toBe(false);
});
