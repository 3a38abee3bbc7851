import { existsSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { formatBytes } from '../../base/bytes.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { askBus } from '../../bus/run/backup-socket.ts';
import { isNatsStore } from '../../bus/run/nats-store.ts';
import type { StoreContents } from '../../bus/store/sqlite/file/check-store.ts';
import type { CopiedPages } from '../../bus/store/sqlite/store-commands.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { usageExitCode } from '../command.ts';
import { countsText } from './counts-text.ts';
import { progressPrinter } from './progress.ts';

/** Waits so long for a bus that is stopping. */
const lockTimeoutMs = 2_000;

/** `meridian-sidecar bus backup FILE` and `bus check FILE`. */
export function addStoreCommands(bus: Command): void {
  bus
    .command('backup')
    .description('copy the store of a running or a stopped bus to a new file, and check the copy')
    .argument('<file>', 'the copy; it must not exist yet')
    // The option belongs to `bus`: commander reads it before the subcommand's name.
    .action((file: string, _: unknown, command: Command) => backUp(storeOf(command), path.resolve(file)));
  bus
    .command('check')
    .description('check every page and every checksum of a store that no bus has open; changes nothing')
    .argument('<file>', 'a store, or a copy of one')
    .option('--json', 'print JSON', false)
    .action(async (file: string, { json }: { readonly json: boolean }) => {
      const { checkStore } = await import('../../bus/store/sqlite/file/check-store.ts');
      const contents = await checkStore(path.resolve(file), lockTimeoutMs, checkProgress(path.resolve(file)));
      if (json) print(JSON.stringify({ file: path.resolve(file), ...contents }, null, 2));
      else print(`${path.resolve(file)} is whole: ${described(contents)}`);
    });
}

/** A smaller store is checked in well under a second. */
const longCheckBytes = 16 * 1024 * 1024;

function checkProgress(file: string): (share: number) => void {
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 };
  return size < longCheckBytes ? () => {} : progressPrinter('are checked');
}

function storeOf(command: Command): string {
  const { store } = command.optsWithGlobals<{ readonly store: string }>();
  if (store !== 'memory' && !isNatsStore(store)) return path.resolve(store);
  throw new UserFacingError({
    id: 'bus/backup/memory',
    found: `--store is ${store === 'memory' ? store : 'on NATS'}, which cannot be copied`,
    next: ['Name the file of a store with --store.'],
    exitCode: usageExitCode,
  });
}

async function backUp(store: string, to: string): Promise<void> {
  if (existsSync(to)) throw exists(to);
  const { removeStoreFile } = await import('../../bus/store/sqlite/file/store-file.ts');
  const partial = `${to}.partial`;
  try {
    removeStoreFile(partial);
    const printShare = progressPrinter('are copied');
    const onProgress = ({ copied, total }: CopiedPages): void => printShare(copied / Math.max(1, total));
    if (!(await askBus(store, partial, onProgress))) await copyStopped(store, partial, onProgress);
    const { checkStore } = await import('../../bus/store/sqlite/file/check-store.ts');
    const contents = await checkStore(partial, lockTimeoutMs);
    renameSync(partial, to);
    print(`${store} is copied to ${to}: ${described(contents)}`);
  } catch (error) {
    // A file that cannot be removed was not created, or not by this user.
    try {
      removeStoreFile(partial);
    } catch {}
    throw error instanceof UserFacingError ? error : failed(store, to, error);
  }
}

async function copyStopped(store: string, to: string, onProgress: (pages: CopiedPages) => void): Promise<void> {
  const { withStoreFile } = await import('../../bus/store/sqlite/file/store-file.ts');
  const { copyStore } = await import('../../bus/store/sqlite/file/store-copies.ts');
  await withStoreFile({ path: store, lockTimeoutMs }, async (database) => {
    await copyStore(database, to, onProgress).catch((error: unknown) => {
      throw failed(store, to, error);
    });
  });
}

function described(contents: StoreContents): string {
  return `${formatBytes(contents.bytes)} in ${countsText(contents)}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function exists(file: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/backup/exists',
    found: `${file} exists already, and a backup overwrites nothing`,
    next: ['Name a file that does not exist.'],
    exitCode: usageExitCode,
  });
}

function failed(store: string, to: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'bus/backup/failed',
    found: `${store} could not be copied to ${to}: ${messageOf(error)}`,
    next: ['Name a file in an existing directory with enough space, where the user of the bus may write.'],
    exitCode: exitCodes.unresolved,
  });
}
