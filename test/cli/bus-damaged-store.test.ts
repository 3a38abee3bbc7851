import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { openSqliteStore } from '../../src/bus/store/sqlite/sqlite-store.ts';
import { RawSession } from '../bus/raw-session.ts';
import { activeOwner, message } from '../bus/store-fixtures.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, type Program, policyText, runCli, spawnSidecar, writeTemporary } from '../sidecar/processes.ts';

const pageBytes = 4_096;
let whole: Buffer;

beforeAll(async () => {
  whole = readFileSync(await makeStore());
  await endAll();
});
afterEach(endAll);

const newPlace = (): string => path.join(path.dirname(writeTemporary('place', '')), 'bus.sqlite');

/** A store that has something in each of its tables, and values that go on for pages. */
async function makeStore(): Promise<string> {
  const file = newPlace();
  const store = await openSqliteStore({ path: file, scheduler: realScheduler });
  const owner = await activeOwner(store, 'oms-1');
  const topic = 'platform.oms.before';
  await store.openSubscription(owner, { name: 'all', pattern: 'platform.oms.**', start: { kind: 'new' } });
  await store.append(owner, [
    message(1n, { topic, bytes: 3 * pageBytes, dedupKey: 'one' }),
    message(2n, { topic, dedupKey: 'two' }),
  ]);
  const [first] = await store.read(0n, 1);
  await store.recordDelivery(owner, 'all', { positions: [first?.position ?? 0n], cursor: first?.position ?? 0n });
  await store.saveState(owner, { state: Buffer.alloc(3 * pageBytes, 7), expectedRevision: 0n, acknowledge: [] });
  const grant = { instanceId: 'oms-1', action: 'publish', pattern: 'platform.oms.**' } as const;
  await store.recordDecisions([{ ...grant, verdict: 'approved', by: 'ops', decidedAtNs: 1n }]);
  await store.close();
  // The pages that are kept free for a full disk are all alike.
  change(file, 'DELETE FROM filler; VACUUM');
  return file;
}

function startOn(file: string): Program {
  const policy = writeTemporary('policy.yml', policyText);
  return runCli('bus', '--listen', '127.0.0.1:0', '--policy', policy, '--store', file);
}

/** Resolves when a plugin of the instance in the store has its state and gets what is stored and what it publishes. */
async function works(bus: Program): Promise<'works'> {
  const [, address = ''] = await bus.seen(/bus listens address=(\S+)/);
  const sidecar = spawnSidecar(address);
  const [, port = ''] = await sidecar.seen(/plugin port listens address=(\S+)/);
  await sidecar.seen(/startup 8\/8/);
  const plugin = await connectPlugin(port);
  const wanted = new Set([`${3 * pageBytes}`, '1', '4']);
  await new Promise<void>((resolve, reject) => {
    const onMessage = ({ payload }: { payload: Uint8Array }): void => {
      wanted.delete(`${payload.length}`);
      if (wanted.size === 0) resolve();
    };
    plugin.subscribe('platform.oms.**', { name: 'all' }, onMessage).catch(reject);
    plugin.publish('platform.oms.now', Buffer.from('four')).catch(reject);
  });
  await plugin.stop('it works');
  return 'works';
}

/** How the bus fares: it works, or its exit code with the id that it ends with. */
async function faring(file: string): Promise<unknown> {
  const bus = startOn(file);
  const ended = bus.exited.then((code) => ({ code, id: /\[(bus\/store\/[\w-]+)\]\n$/.exec(bus.stderr)?.[1] }));
  // The bus may end in the middle of it, and then its end is what counts.
  const worked = works(bus).catch(() => ended);
  const outcome = await Promise.race([ended, worked]);
  bus.signal('SIGKILL');
  await bus.exited;
  return outcome;
}

test('a store that is whole works', async () => {
  const file = newPlace();
  writeFileSync(file, whole);
  expect(await faring(file)).toBe('works');
});

test('whichever page of a store is zeroed, its bus works or ends with 74 and an id', async () => {
  const outcomes: unknown[] = [];
  for (let page = 0; page * pageBytes < whole.length; page += 1) {
    const file = newPlace();
    writeFileSync(file, Buffer.from(whole).fill(0, page * pageBytes, (page + 1) * pageBytes));
    outcomes.push(await faring(file));
    await endAll();
  }
  expect(outcomes.length).toBeGreaterThan(10);
  expect(outcomes[0]).toEqual({ code: 74, id: 'bus/store/not-a-database' });
  const damaged = { code: 74, id: 'bus/store/damaged' };
  expect(outcomes).toContainEqual(damaged);
  for (const outcome of outcomes.slice(1)) expect(['works', damaged]).toContainEqual(outcome);
});

/** Bytes that are no part of any store. */
const garbage = (length: number): Buffer => Buffer.alloc(length, 'not what SQLite writes');

const cutTo =
  (length: () => number) =>
  (file: string): void => {
    writeFileSync(file, whole);
    truncateSync(file, length());
  };

const withLog =
  (log: Buffer) =>
  (file: string): void => {
    writeFileSync(file, whole);
    writeFileSync(`${file}-wal`, log);
  };

describe('the bus ends with 74 on', () => {
  test.each<[what: string, id: string, make: (file: string) => void]>([
    ['two zeroed pages', 'damaged', (file) => writeFileSync(file, Buffer.from(whole).fill(0, 8_192, 16_384))],
    [
      'pages of garbage',
      'damaged',
      (file) => writeFileSync(file, Buffer.from(whole).fill(garbage(8_192), 8_192, 16_384)),
    ],
    ['a file that was cut off between pages', 'damaged', cutTo(() => whole.length - 2 * pageBytes)],
    ['a file that was cut off within a page', 'damaged', cutTo(() => whole.length - pageBytes - 100)],
    ['a file that was cut off after a few bytes', 'damaged', cutTo(() => 50)],
    ['a file of garbage', 'not-a-database', (file) => writeFileSync(file, garbage(20_000))],
    ['a log that is garbage', 'damaged', withLog(garbage(10_000))],
    ['a log of zeros', 'damaged', withLog(Buffer.alloc(10_000))],
    ['a log whose file was emptied', 'damaged', (file) => [withLog(garbage(32))(file), truncateSync(file)]],
    ['a directory', 'unusable', (file) => mkdirSync(file)],
    ['a link to a device', 'unusable', (file) => symlinkSync('/dev/full', file)],
    ['a link that leads nowhere', 'unusable', (file) => symlinkSync('/dev/null/bus.sqlite', file)],
    ['a log that is a directory', 'unusable', (file) => [writeFileSync(file, whole), mkdirSync(`${file}-wal`)]],
    [
      'a count at its end',
      'damaged',
      (file) => [writeFileSync(file, whole), change(file, 'UPDATE log SET last_position = 9223372036854775807')],
    ],
    ['a newer schema', 'version', (file) => [writeFileSync(file, whole), raiseVersion(file)]],
    ['the database of another program', 'foreign', makeForeign],
  ])('%s: bus/store/%s', async (_, id, make) => {
    const file = newPlace();
    make(file);
    const outcome = await faring(file);
    expect(outcome).toEqual({ code: 74, id: `bus/store/${id}` });
  });
});

function change(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

function raiseVersion(file: string): void {
  change(file, 'PRAGMA user_version = 1000');
}

function makeForeign(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('CREATE TABLE t (a)');
  database.close();
}

test('a bus whose file is damaged while it runs ends with 74 as soon as it needs what is damaged', async () => {
  const file = newPlace();
  writeFileSync(file, whole);
  const bus = startOn(file);
  await bus.seen(/bus listens address=(\S+)/);
  // The file is opened by its name, so that the lock of the bus is no obstacle.
  const pages = openSync(file, 'r+');
  writeSync(pages, Buffer.alloc(whole.length - pageBytes), 0, whole.length - pageBytes, pageBytes);
  closeSync(pages);
  const outcome = await Promise.race([bus.exited, works(bus).catch(() => bus.exited)]);
  expect(outcome).toBe(74);
  expect(bus.stderr).toMatch(/\[bus\/store\/damaged\]\n$/);
});

test.each(['', '-wal'])(
  'a bus whose file%s is removed while it runs ends with 74 and answers no publish with accepted',
  async (suffix) => {
    const file = newPlace();
    writeFileSync(file, whole);
    const bus = startOn(file);
    const [, address = ''] = await bus.seen(/bus listens address=(\S+)/);
    const session = await RawSession.open(address, 'oms-9', 'OMSPool');
    rmSync(`${file}${suffix}`);
    session.send({
      case: 'publish',
      value: { sequence: 1n, settledBelow: 0n, envelope: { meta: { topic: 'platform.oms.late' } } },
    });
    await expect(session.next('publishResult')).rejects.toThrow();
    expect(await bus.exited).toBe(74);
    expect(bus.stderr).toMatch(/ was removed or replaced while the bus had it open\n.*\[bus\/store\/damaged\]\n$/s);
  },
);
