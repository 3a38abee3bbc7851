import { describe, expect, test } from 'vitest';
import { every, sleep } from '../../src/base/time/scheduler.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';

describe('virtual time', () => {
  test('fires timers in the order of their due time, and those of one time in the order they were set', async () => {
    const scheduler = new VirtualScheduler(1);
    const fired: string[] = [];
    for (const [name, delayMs] of [
      ['c', 20],
      ['a', 5],
      ['b', 5],
      ['now', 0],
      ['past', -5],
    ] as const) {
      scheduler.setTimer(delayMs, () => fired.push(`${name} at ${scheduler.nowMs()}`));
    }
    await scheduler.advance(20);
    expect(fired).toEqual(['now at 0', 'past at 0', 'a at 5', 'b at 5', 'c at 20']);
  });

  test('advances by exactly what it is told, firing also timers that are set on the way', async () => {
    const scheduler = new VirtualScheduler(1);
    const firedAtMs: number[] = [];
    const again = (): void => {
      firedAtMs.push(scheduler.nowMs());
      scheduler.setTimer(40, again);
    };
    scheduler.setTimer(40, again);
    await scheduler.advance(100);
    expect(firedAtMs).toEqual([40, 80]);
    expect(scheduler.nowMs()).toBe(100);
  });

  test('runs what a timer has resolved before the next timer', async () => {
    const scheduler = new VirtualScheduler(1);
    const order: string[] = [];
    void sleep(scheduler, 10).then(async () => {
      await Promise.resolve();
      order.push('after the first');
    });
    scheduler.setTimer(10, () => order.push('second'));
    await scheduler.advance(10);
    expect(order).toEqual(['after the first', 'second']);
  });

  test('never fires a cancelled timer; cancelling one that fired does nothing', async () => {
    const scheduler = new VirtualScheduler(1);
    let fired = 0;
    const first = scheduler.setTimer(1, () => {
      fired += 1;
    });
    scheduler
      .setTimer(2, () => {
        fired += 10;
      })
      .cancel();
    await scheduler.advance(5);
    first.cancel();
    expect(fired).toBe(1);
  });

  test('steps the wall clock without touching the monotonic one', async () => {
    const scheduler = new VirtualScheduler(1);
    const startNs = scheduler.wallTimeNs();
    await scheduler.advance(1.5);
    expect(scheduler.wallTimeNs() - startNs).toBe(1_500_000n);
    scheduler.stepClock(-60_000);
    expect(scheduler.nowMs()).toBe(1.5);
    expect(scheduler.wallTimeNs() - startNs).toBe(1_500_000n - 60_000_000_000n);
  });

  test('gives the same chance for the same seed', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, () => new VirtualScheduler(seed).random.next());
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
});

describe('a run', () => {
  test('returns what its promise resolves with, at the time it does', async () => {
    const scheduler = new VirtualScheduler(1);
    expect(await scheduler.run(sleep(scheduler, 5_000).then(() => 'done'))).toBe('done');
    expect(scheduler.nowMs()).toBe(5_000);
  });

  test('throws what its promise rejects with', async () => {
    const scheduler = new VirtualScheduler(1);
    const failing = sleep(scheduler, 1).then(() => Promise.reject(new Error('no')));
    await expect(scheduler.run(failing)).rejects.toThrow('no');
  });

  test('fails when nothing is left that could settle its promise', async () => {
    const scheduler = new VirtualScheduler(1);
    await expect(scheduler.run(new Promise(() => {}))).rejects.toThrow('the simulation is stuck');
  });

  test('fails when its promise is pending after the limit', async () => {
    const scheduler = new VirtualScheduler(1);
    every(scheduler, 10, () => {});
    await expect(scheduler.run(new Promise(() => {}), 1_000)).rejects.toThrow('within 1000 ms of virtual time');
  });
});

describe('a sleep', () => {
  test('ends at once when its signal aborts, and leaves no timer behind', async () => {
    const scheduler = new VirtualScheduler(1);
    const aborting = new AbortController();
    const sleeping = sleep(scheduler, 1_000, aborting.signal);
    scheduler.setTimer(10, () => aborting.abort());
    await scheduler.run(sleeping);
    expect(scheduler.nowMs()).toBe(10);
    await expect(scheduler.run(new Promise(() => {}))).rejects.toThrow('stuck');
  });

  test('does not begin when its signal has aborted', async () => {
    const scheduler = new VirtualScheduler(1);
    await scheduler.run(sleep(scheduler, 1_000, AbortSignal.abort()));
    expect(scheduler.nowMs()).toBe(0);
  });
});

test('what is to be done every so often is done until it is cancelled, even by itself', async () => {
  const scheduler = new VirtualScheduler(1);
  const atMs: number[] = [];
  const timer = every(scheduler, 10, () => {
    atMs.push(scheduler.nowMs());
    if (atMs.length === 3) timer.cancel();
  });
  await scheduler.advance(100);
  expect(atMs).toEqual([10, 20, 30]);
});
