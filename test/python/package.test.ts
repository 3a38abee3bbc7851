import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startSilentPeer } from '../plugin/silent-peer.ts';
import { endAll, type Program, writeTemporary } from '../sidecar/processes.ts';
import { runPython, startDemoBus, startDemoSidecar } from './containers.ts';
import { packageDir } from './stubs.ts';

const file = path.join(import.meta.dirname, 'package_plugin.py');

afterEach(endAll);

function start(story: string, sidecar: string, environment: Record<string, string> = {}): Program {
  return runPython([file, story], { SIDECAR_ADDR: sidecar, PYTHONPATH: packageDir, ...environment });
}

async function startContainer() {
  const bus = await startDemoBus();
  return { bus, sidecar: await startDemoSidecar(bus.address) };
}

async function linesOf(plugin: Program): Promise<string[]> {
  expect(await plugin.exited, plugin.output).toBe(0);
  return plugin.stdout.trim().split('\n');
}

describe('meridian_plugin', () => {
  test('redelivers what a handler failed with, later messages meanwhile, until it is a dead letter', async () => {
    const { sidecar } = await startContainer();
    const plugin = start('attempts', sidecar.address);
    expect(await linesOf(plugin)).toEqual(['bad 1 False', 'good 1 False', 'bad 2 True', 'bad 3 True', 'dead: bad']);
    expect(plugin.stderr).toContain('the handler of work failed, and the message is redelivered: it is bad');
  });

  test('publishes in the order of the calls, and refuses only what is too large', async () => {
    const { sidecar } = await startContainer();
    expect(await linesOf(start('order', sidecar.address))).toEqual([
      "in order: True, outcomes: {'accepted'}",
      'large: accepted',
      'too large: INVALID_ARGUMENT',
      'too large: RESOURCE_EXHAUSTED',
      'and then: accepted',
    ]);
  });

  test.each([
    { what: 'messages', size: 8, count: 70_000, unansweredMax: 65_536 },
    { what: 'bytes', size: 900_000, count: 80, unansweredMax: 74 },
  ])('leaves as many publishes unanswered as the limit of $what, and sends the next in their order', async (limit) => {
    const peer = await startSilentPeer();
    const plugin = start('unanswered', peer.address, { SIZE: `${limit.size}`, COUNT: `${limit.count}` });
    await expect.poll(() => peer.received.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(limit.unansweredMax);
    const asked = (): number => plugin.stdout.split('asked').length;
    const before = asked();
    // What had been sent beside them would have arrived before these answers.
    await expect.poll(asked, { timeout: 60_000 }).toBeGreaterThan(before + 20);
    expect(peer.received).toHaveLength(limit.unansweredMax);
    peer.answer();
    await plugin.seen(/outcomes: \{'accepted'\}/);
    expect(await plugin.exited).toBe(0);
    expect(peer.unansweredPeak()).toBe(limit.unansweredMax);
    const numbers = peer.received.map(Number);
    // Large ones have calls of their own, which may overtake one another.
    if (limit.size > 64 * 1024) numbers.sort((one, other) => one - other);
    expect(numbers).toEqual(Array.from({ length: limit.count }, (_, index) => index));
    peer.close();
  });

  test('reopens subscriptions and responders when its sidecar was killed and starts again', async () => {
    const { bus, sidecar } = await startContainer();
    const end = writeTemporary('end', '');
    const plugin = start('reconnect', sidecar.address, { END_FILE: `${end}.now` });
    await plugin.seen(/tick 2: accepted; request: answered/);
    sidecar.program.signal('SIGKILL');
    await sidecar.program.exited;
    await plugin.seen(/the connection to the sidecar is lost/);
    await startDemoSidecar(bus.address, { SIDECAR_ADDR: sidecar.address });
    const before = Number([...plugin.stdout.matchAll(/tick (\d+):/g)].at(-1)?.[1]);
    await plugin.seen(new RegExp(`got tick ${before + 3}\\n`));
    await plugin.seen(new RegExp(`tick ${before + 3}: accepted; request: answered`));
    writeFileSync(`${end}.now`, '');
    expect(await plugin.exited, plugin.output).toBe(0);
    expect(plugin.stdout).not.toContain('FAILED_PRECONDITION');
  });

  test('stops on SIGTERM: finishes and acknowledges its message, publishes in on_stop, leaves', async () => {
    const { sidecar } = await startContainer();
    const plugin = start('drain', sidecar.address);
    await plugin.seen(/working False/);
    plugin.signal('SIGTERM');
    expect(await linesOf(plugin)).toEqual([
      'working False',
      'worked',
      'on_stop: SIGTERM',
      'late: accepted',
      'no intake: FAILED_PRECONDITION',
      'stopped',
      'afterwards: UNAVAILABLE',
    ]);
    await sidecar.program.seen(/plugin left reason=SIGTERM/);
  });

  test('stops when its sidecar does, and finishes its message before', async () => {
    const { sidecar } = await startContainer();
    const plugin = start('drain', sidecar.address);
    await plugin.seen(/working False/);
    sidecar.program.signal('SIGTERM');
    expect([await plugin.exited, await sidecar.program.exited], plugin.output).toEqual([0, 0]);
    expect(plugin.stdout).toContain('worked\non_stop: the sidecar is stopping\nlate: accepted\n');
    expect(sidecar.program.output).toContain('pluginDrained=true');
  });

  test('ends its stop when the drain is over, though a handler is still at work', async () => {
    const { sidecar } = await startContainer();
    const plugin = start('drain', sidecar.address, { WORK_S: '600' });
    await plugin.seen(/working False/);
    plugin.signal('SIGTERM');
    expect(await plugin.exited, plugin.output).toBe(0);
    expect(plugin.stdout).toMatch(/on_stop: SIGTERM\n(?:.*\n)*stopped\n/);
    expect(plugin.stdout).not.toContain('worked');
    await start('drain', sidecar.address).seen(/working True/);
  });

  test('a second signal has its usual effect', async () => {
    const { sidecar } = await startContainer();
    const plugin = start('drain', sidecar.address, { WORK_S: '600' });
    await plugin.seen(/working False/);
    plugin.signal('SIGTERM');
    await plugin.seen(/stopping: SIGTERM/);
    plugin.signal('SIGTERM');
    expect(await plugin.exited).toBe('SIGTERM');
  });

  test('calls hooks in order, also when one waits and fails', async () => {
    const { bus, sidecar } = await startContainer();
    const plugin = start('hooks', sidecar.address);
    await plugin.seen(/ready/);
    bus.program.signal('SIGKILL');
    await bus.program.exited;
    await plugin.seen(/degraded/);
    await startDemoBus(bus.address);
    await plugin.seen(/resumed/);
    expect(plugin.stderr).toContain('on_degrade failed: a hook may fail');
  });

  test('tells the caller of a handler that fails or answers wrongly', async () => {
    const { sidecar } = await startContainer();
    expect(await linesOf(start('answers', sidecar.address))).toEqual([
      "raise: RequestFailed(outcome='handler_error', detail='no such thing')",
      "text: RequestFailed(outcome='handler_error', detail='serve: answer is a str; it must be a Answer')",
      "large: RequestFailed(outcome='handler_error', detail='the answer is not passed on: payload of 984064 bytes is over the limit of 983040 bytes')",
      'nobody: no_handler',
    ]);
  });

  test('refuses wrong arguments by name, and never shows a text', async () => {
    const { sidecar } = await startContainer();
    const wrong = [
      ['publish', ['a.b', 'secret'], {}],
      ['publish', [1, 'x'], {}],
      ['publish', [null, 'x'], {}],
      ['publish', ['a.\ud800', 'x'], {}],
      ['subscribe', ['a.b', 'x'], { name: 'a' }],
      ['subscribe', ['a.b', 'x'], {}],
      ['request', ['a.b', 'x'], { timeoutms: 1 }],
      ['stop', [7], {}],
    ];
    const plugin = start('arguments', sidecar.address, { WRONG: JSON.stringify(wrong) });
    expect(await linesOf(plugin)).toEqual([
      'publish: payload is a str; it must be bytes, such as "text".encode()',
      'publish: topic is 1; it must be a string of valid Unicode',
      'publish: topic is None; it must be a string of valid Unicode',
      'publish: topic is a str; it must be a string of valid Unicode',
      'subscribe: handler is a str; it must be a function',
      "Plugin.subscribe() missing 1 required keyword-only argument: 'name'",
      "Plugin.request() got an unexpected keyword argument 'timeoutms'",
      'stop: reason is 7; it must be a string of valid Unicode',
    ]);
  });

  test('says in time that no sidecar answers', async () => {
    const plugin = start('hooks', '127.0.0.1:1', { WAIT_MS: '300' });
    expect(await plugin.exited).toBe(1);
    expect(plugin.stderr).toMatch(/RpcError: the sidecar at 127\.0\.0\.1:1 did not answer: .*refused/);
  });
});
