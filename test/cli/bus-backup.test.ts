import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { RawSession } from '../bus/raw-session.ts';
import { endAll, type Program, policyText, runCli, startBus, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

/** A place for a store in a directory of its own. */
const newPlace = (): string => path.join(path.dirname(writeTemporary('policy.yml', policyText)), 'bus.sqlite');

/** Stores this many messages of 10 kB. */
async function store(address: string, count: number): Promise<void> {
  const session = await RawSession.open(address, 'oms-1', 'OMSPool');
  const envelope = { meta: { topic: 'platform.oms.kept' }, payload: new Uint8Array(10_000).fill(7) };
  for (let sequence = 1n; sequence <= count; sequence += 1n) {
    session.send({ case: 'publish', value: { sequence, settledBelow: sequence, envelope } });
  }
  for (let answers = 0; answers < count; answers += 1) {
    const { accepted, refusalReason } = await session.next('publishResult');
    if (!accepted) throw new Error(refusalReason);
  }
  session.close();
}

async function outcomeOf(program: Program) {
  return { code: await program.exited, stdout: program.stdout, stderr: program.stderr };
}

const backup = (file: string, copy: string) => outcomeOf(runCli('bus', 'backup', copy, '--store', file));
const check = (file: string, ...more: string[]) => outcomeOf(runCli('bus', 'check', file, ...more));

describe('meridian-sidecar bus backup FILE', () => {
  test('copies the store of a running bus, with progress, while messages are stored, and a bus starts on the copy', async () => {
    const file = newPlace();
    const bus = await startBus(undefined, file);
    await store(bus.address, 2_000);
    const copy = `${file}-copy`;
    let isCopied = false;
    const copying = backup(file, copy).finally(() => {
      isCopied = true;
    });
    let meanwhile = 0;
    // So many at once that the bus is hardly ever out of a transaction.
    for (; !isCopied; meanwhile += 1_000) await store(bus.address, 1_000);
    const { code, stdout, stderr } = await copying;
    expect({ code, stderr: stderr.split('\n')[0] }).toEqual({ code: 0, stderr: '10 % are copied' });
    const [, copied = ''] = /is copied to .* in (\d+) messages/.exec(stdout) ?? [];
    expect(Number(copied)).toBeGreaterThanOrEqual(2_000);
    expect(Number(copied)).toBeLessThanOrEqual(2_000 + meanwhile);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    await store(bus.address, 1);

    expect((await check(copy)).stderr.split('\n').slice(0, 2)).toEqual(['50 % are checked', '60 % are checked']);
    const second = await startBus(undefined, copy);
    await store(second.address, 1);
    expect(second.program.stderr).toBe('');
  });

  test('copies the store of a bus that was killed, with what is only in its -wal', async () => {
    const file = newPlace();
    const bus = await startBus(undefined, file);
    await store(bus.address, 3);
    bus.program.signal('SIGKILL');
    await bus.program.exited;
    expect((await backup(file, `${file}-copy`)).code).toBe(0);
    expect((await check(`${file}-copy`)).stdout).toContain(' in 3 messages, ');
    const { stdout } = await check(`${file}-copy`, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ file: `${file}-copy`, messages: 3, instances: 1, states: 0 });
  });

  test('leaves no copy that is not whole when the bus stops meanwhile or nothing can be written', async () => {
    const file = newPlace();
    const bus = await startBus(undefined, file);
    await store(bus.address, 2_000);
    const copying = runCli('bus', 'backup', `${file}-copy`, '--store', file);
    const outcome = outcomeOf(copying);
    await copying.seen(/10 % are copied/);
    bus.program.signal('SIGTERM');
    expect(await bus.program.exited).toBe(0);
    const { code, stderr } = await outcome;
    if (code !== 0) expect(stderr).toMatch(/the bus (stopped|ended)[^\n]*\n- [^\n]+ {2}\[bus\/backup\/failed\]\n$/);
    expect(readdirSync(path.dirname(file)).filter((name) => name.startsWith('bus.'))).toEqual(
      code === 0 ? ['bus.sqlite', 'bus.sqlite-copy'] : ['bus.sqlite'],
    );
    const nowhere = await backup(file, path.join(file, 'copy'));
    expect(nowhere.code).toBe(74);
    expect(nowhere.stderr).toMatch(/ {2}\[bus\/backup\/failed\]\n$/);
  });

  test('overwrites nothing, and says when there is no store', async () => {
    const file = newPlace();
    const copy = writeTemporary('copy', 'kept');
    const existing = await backup(file, copy);
    expect(existing.code).toBe(64);
    expect(existing.stderr).toMatch(/ {2}\[bus\/backup\/exists\]\n$/);
    expect(readFileSync(copy, 'utf8')).toBe('kept');
    expect((await backup(file, `${copy}-2`)).stderr).toMatch(/ {2}\[bus\/store\/missing\]\n$/);
    expect((await backup('memory', `${copy}-2`)).stderr).toMatch(/ {2}\[bus\/backup\/memory\]\n$/);
    expect(existsSync(`${copy}-2`)).toBe(false);
  });

  test('a bus beside whose store no socket can be made serves on, and says that it cannot be backed up', async () => {
    const file = newPlace();
    mkdirSync(`${file}-backup.sock`);
    const bus = await startBus(undefined, file);
    expect(bus.program.stdout).toMatch(/the store cannot be backed up while this bus runs/);
    await store(bus.address, 1);
    expect((await backup(file, `${file}-copy`)).stderr).toMatch(/ {2}\[bus\/store\/locked\]\n$/);
  });
});

describe('meridian-sidecar bus check FILE', () => {
  test('refuses a plain copy of the file of a running bus, which is empty', async () => {
    const file = newPlace();
    const bus = await startBus(undefined, file);
    await store(bus.address, 3);
    copyFileSync(file, `${file}-copy`);
    const { code, stderr } = await check(`${file}-copy`);
    expect(code).toBe(74);
    expect(stderr).toMatch(/it is empty; .*-wal\n.* {2}\[bus\/store\/damaged\]\n$/s);
    expect((await check(file)).stderr).toMatch(/ {2}\[bus\/store\/locked\]\n$/);
  });

  test('finds one changed byte of a message, and changes no byte of the file', async () => {
    const file = newPlace();
    const bus = await startBus(undefined, file);
    await store(bus.address, 3);
    bus.program.signal('SIGTERM');
    await bus.program.exited;
    const whole = readFileSync(file);
    expect(await check(file)).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(file).equals(whole)).toBe(true);
    const damaged = Buffer.from(whole);
    // Within a payload.
    const at = damaged.indexOf(Buffer.alloc(3_000, 7)) + 1_500;
    damaged[at] = 1;
    writeFileSync(file, damaged);
    const { code, stderr } = await check(file);
    expect(code).toBe(74);
    expect(stderr).toMatch(/the message at position \d+ is not what was stored\n.* {2}\[bus\/store\/damaged\]\n$/s);
  });
});
