import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskReserve } from '../../../src/bus/store/sqlite/file/disk-reserve.ts';
import { closeStoreFile, openStoreFile } from '../../../src/bus/store/sqlite/file/store-file.ts';
import { commitGroup } from '../../../src/bus/store/sqlite/group-commit.ts';
import { Statements } from '../../../src/bus/store/sqlite/rows/statements.ts';
import { StoreRows } from '../../../src/bus/store/sqlite/rows/store-rows.ts';
import type { Command } from '../../../src/bus/store/sqlite/store-commands.ts';
import { StoreRoom } from '../../../src/bus/store/sqlite/store-room.ts';
import { startedAt } from '../store-fixtures.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'meridian-store-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const owner = { instanceId: 'one', epoch: 1n };

function append(sequence: bigint, bytes: number): Command {
  const meta = { settledBelow: 0n, messageId: `m${sequence}`, topic: 'a.b', dedupKey: '', publishedAtNs: 1n };
  return {
    name: 'append',
    args: { owner, wallTimeMs: 1n, messages: [{ sequence, ...meta, envelope: new Uint8Array(bytes) }] },
  };
}

test('a full disk refuses what adds messages, undoes all of it, and does the rest of the group', () => {
  const file = path.join(directory, 'bus.sqlite');
  const database = openStoreFile({ path: file, lockTimeoutMs: 0, firstPosition: 0n });
  const retention = { messages: 10, bytes: 1e9 };
  const rows = new StoreRows({ sql: new Statements(database), retention, dedupWindowMs: 1 });
  let nowMs = 0;
  const room = new StoreRoom(database, new DiskReserve(file), { nowMs: () => nowMs });
  const commit = (...commands: Command[]) => commitGroup({ database, rows, room }, commands);
  commit(
    { name: 'reserve', args: { instanceId: 'one', start: startedAt(0n), wallTimeMs: 1n } },
    { name: 'activate', args: { owner } },
  );
  database.exec('PRAGMA max_page_count = 40');
  const save: Command = {
    name: 'saveState',
    args: { owner, state: new Uint8Array(10), expectedRevision: 0n, acknowledge: [] },
  };

  const refused = commit(append(1n, 10), append(2n, 1_000_000), save);
  const full = { refused: { kind: 'full', reason: 'the disk of the store is full' } };
  expect(refused.answers).toEqual([full, full, { done: 1n }]);
  expect(room.isDiskFull).toBe(true);
  expect(commit(append(1n, 10)).answers).toEqual([full]);

  nowMs += 1_000;
  expect(commit(append(1n, 10)).answers).toEqual([{ done: [{ messageId: 'm1', duplicate: false, position: 1n }] }]);
  expect(room.isDiskFull).toBe(false);
  expect(commit({ name: 'read', args: { after: 0n, limit: 10 } }).answers).toMatchObject([
    { done: [{ position: 1n }] },
  ]);
  closeStoreFile(database);
});

test('a command that names an owner is refused for a stale epoch, whatever it does itself', () => {
  const file = path.join(directory, 'bus.sqlite');
  const database = openStoreFile({ path: file, lockTimeoutMs: 0, firstPosition: 0n });
  let written = 0;
  class MoreRows extends StoreRows {
    newWrite(): number {
      written += 1;
      return written;
    }
  }
  const retention = { messages: 10, bytes: 1e9 };
  const rows = new MoreRows({ sql: new Statements(database), retention, dedupWindowMs: 1 });
  const room = new StoreRoom(database, new DiskReserve(file), { nowMs: () => 0 });
  const store = { database, rows, room };
  const newWrite = { name: 'newWrite', args: { owner } } as unknown as Command;
  const stale = { refused: { kind: 'staleEpoch', owner } };
  expect(commitGroup(store, [newWrite]).answers).toEqual([stale]);
  const reserve: Command = { name: 'reserve', args: { instanceId: 'one', start: startedAt(0n), wallTimeMs: 1n } };
  const activate: Command = { name: 'activate', args: { owner } };
  expect(commitGroup(store, [reserve, newWrite, activate, newWrite]).answers).toMatchObject([
    { done: 1n },
    stale,
    {},
    { done: 1 },
  ]);
  expect(written).toBe(1);
  closeStoreFile(database);
});
