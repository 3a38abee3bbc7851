import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../../src/contract/wire/limits.ts';
import { endAll, runCli, runCliWith } from '../../sidecar/processes.ts';
import { startShellBus, withStdin } from './shells.ts';

afterEach(endAll);

describe('meridian-sidecar pub', () => {
  test('publishes its argument, and says which message that is', async () => {
    const { shell } = await startShellBus();
    const sub = shell('sub', 'platform.**', '--json', '--count', '1');
    await sub.seen(/listening/);
    const pub = shell('pub', 'platform.a', 'hello', '--type', 'text/plain', '--dedup-key', 'k1');
    expect(await pub.exited, pub.output).toBe(0);
    const [, messageId] = /^accepted 1 of 1; the last is (shell-\S+)\n$/.exec(pub.stdout) ?? [];
    expect(await sub.exited).toBe(0);
    expect(JSON.parse(sub.stdout)).toMatchObject({
      topic: 'platform.a',
      payload: 'hello',
      payloadType: 'text/plain',
      dedupKey: 'k1',
      messageId,
    });
  });

  test.each([
    ['with -', ['-']],
    ['without a payload', []],
  ])('publishes all of stdin as one message %s', async (_, more) => {
    const { address, shell } = await startShellBus();
    const sub = shell('sub', 'platform.**', '--json', '--count', '1');
    await sub.seen(/listening/);
    const input = Buffer.from('one\ntwo\n');
    const pub = await withStdin(address, input, 'pub', 'platform.a', ...more);
    expect(pub).toMatchObject({ code: 0, stderr: '' });
    expect(await sub.exited).toBe(0);
    expect(JSON.parse(sub.stdout)).toMatchObject({ payload: 'one\ntwo\n' });
  });

  test('takes a payload of the limit, and refuses one byte more by name', async () => {
    const { address } = await startShellBus();
    const most = await withStdin(address, new Uint8Array(limits.payloadBytes), 'pub', 'platform.a', '--count', '20');
    expect(most).toMatchObject({ code: 0, stderr: '' });
    const more = await withStdin(address, new Uint8Array(limits.payloadBytes + 1), 'pub', 'platform.a');
    expect(more.code).toBe(64);
    expect(more.stderr).toContain('the payload has more than 983040 bytes');
    expect(more.stderr).toContain('[shell/payload/too-large]');
  });

  test('publishes many times in order, and counts duplicates', async () => {
    const { shell } = await startShellBus();
    const many = shell('pub', 'platform.a', 'x', '--count', '500', '--json');
    expect(await many.exited).toBe(0);
    expect(JSON.parse(many.stdout)).toMatchObject({ topic: 'platform.a', accepted: 500, duplicates: 0, refused: 0 });
    const same = shell('pub', 'platform.a', 'x', '--count', '3', '--dedup-key', 'k');
    expect(await same.exited).toBe(0);
    expect(same.stdout).toMatch(/^accepted 3 of 3, of these 2 as duplicates, not stored again; /);
  });

  test('says what the policy denies, and the command that explains it', async () => {
    const { shell } = await startShellBus();
    const pub = shell('pub', 'orders.new', 'x', '--instance', 'shell-1');
    expect(await pub.exited).toBe(77);
    expect(pub.stdout).toBe('');
    expect(pub.stderr).toContain('does not let shell-1 of Shell publish orders.new (no policy rule allows it)');
    expect(pub.stderr).toContain("meridian-sidecar bus grants explain shell-1 publish 'orders.new'");
    expect(pub.stderr).toContain('[shell/grant/denied]');
  });

  test('says when no rule lets it be such an instance', async () => {
    const { shell } = await startShellBus();
    const pub = shell('pub', 'platform.a', 'x', '--pool', 'OtherPool');
    expect(await pub.exited).toBe(77);
    expect(pub.stderr).toContain('[shell/registration/refused]');
  });

  test('waits for an approval, prints the command that gives it, and goes on', async () => {
    const { shell } = await startShellBus();
    const pub = shell('pub', 'manual.a', 'x', '--instance', 'shell-1');
    await pub.seen(/meridian-sidecar bus grants approve shell-1 publish 'manual.a'/);
    expect(await shell('bus', 'grants', 'approve', 'shell-1', 'publish', 'manual.a').exited).toBe(0);
    expect(await pub.exited).toBe(0);
    expect(pub.stdout).toMatch(/^accepted 1 of 1/);
  });

  test('ends with 130 at an interrupt before it was done', async () => {
    const { shell } = await startShellBus();
    const pub = shell('pub', 'manual.a', 'x');
    await pub.seen(/waiting for an approval/);
    pub.signal('SIGINT');
    expect(await pub.exited).toBe(130);
    expect(pub.stdout).toBe('accepted 0 of 1\n');
  });

  test('reports what the bus had not answered at an interrupt as unknown', async () => {
    const { bus, shell } = await startShellBus('--lease', '2s');
    const sub = shell('sub', 'platform.*', '--count', '1');
    await sub.seen(/listening/);
    const pub = shell('pub', 'platform.a', 'x', '--count', '1000000');
    expect(await sub.exited).toBe(0);
    bus.signal('SIGSTOP');
    await pub.seen(/the session with the bus is lost/);
    pub.signal('SIGINT');
    expect(await pub.exited).toBe(74);
    expect(pub.stderr).toMatch(/\[shell\/publish\/unknown\]$/m);
    expect(pub.stdout).toMatch(/^accepted \d+ of 1000000, unknown \d+/);
  });

  test('reports a bus that does not answer', async () => {
    const pub = runCli('pub', 'platform.a', 'x', '--bus', '127.0.0.1:1');
    expect(await pub.exited).toBe(69);
    expect(pub.stderr).toContain('[shell/bus/unreachable]');
  });

  test.each([
    ['a pattern', ['platform.*', 'x'], '[shell/arguments/topic]'],
    ['an empty topic', ['', 'x'], '[shell/arguments/topic]'],
    ['a topic that would write to the terminal', ['a\u001b[2J', 'x'], '"a\\u001b[2J"'],
    ['no topic', [], "missing required argument 'topic'"],
    ['a count of nothing', ['a', 'x', '--count', '0'], 'from 1 to 1000000'],
    ['a count that is no number', ['a', 'x', '--count', '1e3'], 'from 1 to 1000000'],
    ['an instance id with a dot', ['a', 'x', '--instance', 'a.b'], '1 to 64 characters'],
    ['two payloads', ['a', 'x', 'y'], 'too many arguments'],
  ])('refuses %s', async (_, args, says) => {
    const pub = runCliWith({ SIDECAR_BUS_API_URL: '127.0.0.1:1' }, 'pub', ...args);
    expect(await pub.exited).toBe(64);
    expect(pub.stderr).toContain(says);
  });

  test('refuses a dedup key over its limit', async () => {
    const { shell } = await startShellBus();
    const pub = shell('pub', 'platform.a', 'x', '--dedup-key', 'k'.repeat(limits.keyBytes + 1));
    expect(await pub.exited).toBe(64);
    expect(pub.stderr).toContain('[shell/arguments/over-limit]');
  });
});
