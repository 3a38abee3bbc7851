import { expect, test } from 'vitest';
import { createLog } from '../../../src/base/log/log.ts';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { LoadShedding } from '../../../src/sidecar/memory/load-shedding.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

const mebibyte = 1024 * 1024;

/** A process of 100 MiB whose use the test sets; `garbageMiB` of it goes when it is collected. */
function watched() {
  const scheduler = new VirtualScheduler(1);
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'text', write: (line) => lines.push(line), wallTimeNs: () => 0n });
  const use = { usedMiB: 50, garbageMiB: 0, heldBytes: 1, collections: 0 };
  const shedding = new LoadShedding({
    scheduler,
    log,
    percent: { begin: 85, end: 75 },
    read: () => [{ what: 'memory', usedBytes: use.usedMiB * mebibyte, limitBytes: 100 * mebibyte }],
    heldBytes: () => use.heldBytes,
    collectGarbage() {
      use.collections += 1;
      use.usedMiB -= use.garbageMiB;
      use.garbageMiB = 0;
    },
  });
  shedding.start();
  return { shedding, use, lines, look: (forMs = 60) => scheduler.run(sleep(scheduler, forMs)) };
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

test('sheds no longer than a second after the last held message when less than the upper threshold is used', async () => {
  const { shedding, use, look } = watched();
  use.usedMiB = 86;
  await look();
  use.usedMiB = 84;
  await look(10_000);
  expect(shedding.isShedding).toBe(true);
  use.heldBytes = 0;
  await look(900);
  expect(shedding.isShedding).toBe(true);
  await look(200);
  expect(shedding.isShedding).toBe(false);
});

test('sheds on when more than the upper threshold is used although nothing is held', async () => {
  const { shedding, use, look } = watched();
  use.heldBytes = 0;
  use.usedMiB = 86;
  await look(10_000);
  expect(shedding.isShedding).toBe(true);
});

test('looks no more once it is stopped', async () => {
  const { shedding, use, look } = watched();
  shedding.stop();
  use.usedMiB = 99;
  await look();
  expect(shedding.isShedding).toBe(false);
});
