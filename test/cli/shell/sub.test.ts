import { afterEach, describe, expect, test } from 'vitest';
import { endAll, runCliWith } from '../../sidecar/processes.ts';
import { startShellBus, withStdin } from './shells.ts';

afterEach(endAll);

const line = (payload: string): RegExp => new RegExp(String.raw`^\S+Z {2}platform\.a {2}shell-\S+ {2}${payload}$`, 'm');

describe('meridian-sidecar sub', () => {
  test('prints a line for each message, and ends with 0 at an interrupt', async () => {
    const { shell } = await startShellBus();
    const sub = shell('sub', 'platform.*');
    await sub.seen(/listening/);
    await shell('pub', 'platform.a', 'hello').exited;
    await sub.seen(line('hello'));
    sub.signal('SIGINT');
    expect(await sub.exited).toBe(0);
    expect(sub.stdout.split('\n')).toHaveLength(2);
  });

  test.each([
    ['an escape sequence', Buffer.from('a\u001b[31mb'), String.raw`a\\u001b\[31mb`],
    ['a C1 control', Buffer.from('a\u009b2J'), String.raw`a\\u009b2J`],
    ['line ends', Buffer.from('a\r\nb\0'), String.raw`a\\r\\nb\\u0000`],
    ['a change of direction', Buffer.from('a\u202eb'), String.raw`a\\u202eb`],
    ['what is not UTF-8', Buffer.from([0xff, 0x1b]), 'base64:/xs='],
    ['other scripts', Buffer.from('é 漢 😀'), 'é 漢 😀'],
    ['nothing', Buffer.alloc(0), ''],
    ['more than a line shows', Buffer.alloc(5_000, 'x'), String.raw`x{4096}… \(5000 bytes\)`],
  ])('prints %s so that it cannot control a terminal', async (_, payload, shown) => {
    const { address, shell } = await startShellBus();
    const sub = shell('sub', 'platform.*', '--count', '1');
    await sub.seen(/listening/);
    expect(await withStdin(address, payload, 'pub', 'platform.a')).toMatchObject({ code: 0 });
    expect(await sub.exited).toBe(0);
    expect(sub.stdout).toMatch(line(shown));
    expect(sub.stdout.split('\n')).toHaveLength(2);
  });

  test('prints the whole payload as JSON, in one line that a terminal cannot obey', async () => {
    const { address, shell } = await startShellBus();
    const sub = shell('sub', 'platform.*', '--count', '2', '--json');
    await sub.seen(/listening/);
    const hostile = 'a\u009b2J\u202e\u001b\n"';
    await withStdin(address, Buffer.from(hostile), 'pub', 'platform.a');
    await withStdin(address, Buffer.from([0xff, 0xfe]), 'pub', 'platform.a');
    expect(await sub.exited).toBe(0);
    const [first = '', second = ''] = sub.stdout.split('\n');
    expect(first).toMatch(/^[ -~]*$/);
    expect(JSON.parse(first)).toMatchObject({ topic: 'platform.a', payload: hostile });
    expect(JSON.parse(second)).toMatchObject({ payloadBase64: '//4=' });
  });

  test('ends with 0 when its reader is gone', async () => {
    const { address, shell } = await startShellBus();
    const sub = shell('sub', 'platform.*');
    await sub.seen(/listening/);
    sub.closeOutput();
    expect(await withStdin(address, Buffer.from('x'), 'pub', 'platform.a', '--count', '300')).toMatchObject({
      code: 0,
    });
    expect(await sub.exited).toBe(0);
  });

  test('holds no more than its credit for a reader that stops, and loses nothing', async () => {
    const { shell } = await startShellBus();
    const sub = shell('sub', 'platform.*', '--count', '2000', '--json');
    await sub.seen(/listening/);
    const goOn = sub.holdOutput();
    expect(await shell('pub', 'platform.a', 'x'.repeat(1_000), '--count', '2000').exited).toBe(0);
    goOn();
    expect(await sub.exited).toBe(0);
    const ids = sub.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text).messageId as string);
    expect(ids.map((id) => Number(id.split('-').at(-1)))).toEqual(
      Array.from({ length: 2_000 }, (_, index) => index + 1),
    );
  });

  test('begins with the last messages that the bus retains, and goes on with new ones', async () => {
    const { shell } = await startShellBus();
    for (const payload of ['one', 'two', 'three']) await shell('pub', 'platform.a', payload).exited;
    const sub = shell('sub', 'platform.*', '--last', '2');
    await sub.seen(line('three'));
    await shell('pub', 'platform.a', 'four').exited;
    await sub.seen(line('four'));
    sub.signal('SIGTERM');
    expect(await sub.exited).toBe(0);
    expect(sub.stdout).not.toMatch(line('one'));
    expect(
      sub.stdout
        .trim()
        .split('\n')
        .map((text) => text.split('  ').at(-1)),
    ).toEqual(['two', 'three', 'four']);
  });

  test('begins at a time, or as long ago as it is told', async () => {
    const { shell } = await startShellBus();
    await shell('pub', 'platform.a', 'old').exited;
    const all = shell('sub', 'platform.*', '--from', '1h', '--count', '1', '--json');
    expect(await all.exited).toBe(0);
    const { publishedAt } = JSON.parse(all.stdout) as { publishedAt: string };
    const next = new Date(Date.parse(publishedAt) + 1).toISOString();
    await shell('pub', 'platform.a', 'new').exited;
    const some = shell('sub', 'platform.*', '--from', next, '--count', '1');
    expect(await some.exited).toBe(0);
    expect(some.stdout).toMatch(line('new'));
  });

  test('leaves nothing at the bus but a cursor that is kept for 30 s', async () => {
    const { bus, shell } = await startShellBus();
    const sub = shell('sub', 'platform.*', '--instance', 'shell-1');
    await sub.seen(/listening/);
    sub.signal('SIGINT');
    expect(await sub.exited).toBe(0);
    await bus.seen(/deregistered instance=shell-1/);
    const list = shell('bus', 'subscriptions', 'list', '--json');
    expect(await list.exited).toBe(0);
    expect(JSON.parse(list.stdout)).toMatchObject([{ instance: 'shell-1', inUse: false, idleExpirySeconds: 30 }]);
  });

  test('ends when its grant is revoked, and says so', async () => {
    const { shell } = await startShellBus();
    const sub = shell('sub', 'platform.*', '--instance', 'shell-1');
    await sub.seen(/listening/);
    expect(await shell('bus', 'grants', 'revoke', 'shell-1', 'subscribe', 'platform.*').exited).toBe(0);
    expect(await sub.exited).toBe(77);
    expect(sub.stderr).toContain('[shell/subscription/ended]');
  });

  test('ends when another program takes its instance id', async () => {
    const { shell } = await startShellBus();
    const sub = shell('sub', 'platform.*', '--instance', 'shell-1');
    await sub.seen(/listening/);
    const other = shell('sub', 'platform.*', '--instance', 'shell-1');
    expect(await sub.exited).toBe(77);
    expect(sub.stderr).toContain('[shell/session/superseded]');
    await other.seen(/listening/);
  });

  test.each([
    ['a pattern with ** inside', ['a.**.b'], '[shell/arguments/topic]'],
    ['a time without a zone', ['a', '--from', '2026-01-31T12:00:00'], 'a time with its zone'],
    ['a day that there is not', ['a', '--from', '2026-13-31T12:00:00Z'], 'a time with its zone'],
    ['a time in the future', ['a', '--from', '9999-01-01T00:00:00Z'], 'must not be in the future'],
    ['more of the past than is kept', ['a', '--last', '10001'], 'from 1 to 10000'],
    ['none of the past', ['a', '--last', '0'], 'from 1 to 10000'],
  ])('refuses %s', async (_, args, says) => {
    const sub = runCliWith({ SIDECAR_BUS_API_URL: '127.0.0.1:1' }, 'sub', ...args);
    expect(await sub.exited).toBe(64);
    expect(sub.stderr).toContain(says);
  });
});
