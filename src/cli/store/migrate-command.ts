import path from 'node:path';
import type { Command } from 'commander';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { isNatsStore, natsPlaceOf } from '../../bus/run/nats-store.ts';
import type { Migrated } from '../../bus/store/migration/migrate.ts';
import type { BusFlags } from '../bus/bus-settings.ts';
import { usageExitCode } from '../command.ts';
import { countsText } from './counts-text.ts';
import { progressPrinter } from './progress.ts';

interface MigrateFlags extends BusFlags {
  readonly from: string;
  readonly to: string;
  readonly json: boolean;
}

/** `meridian-sidecar bus migrate --from STORE --to STORE`. */
export function addMigrateCommand(bus: Command): void {
  bus
    .command('migrate')
    .description('move a store that no bus uses from a file to NATS, or back; the source stays as it is')
    .requiredOption('--from <file|nats://host,…>', 'the store that is moved')
    .requiredOption('--to <file|nats://host,…>', 'where it is moved to; nothing may be stored there yet')
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nThe options of `bus` about NATS and sizes hold here too.')
    // The options of `bus` belong to it: commander reads them wherever they stand.
    .action((_: unknown, command: Command) => run(command.optsWithGlobals<MigrateFlags>()));
}

async function run(flags: MigrateFlags): Promise<void> {
  const { from, to, json, deployment, storeReplicas, dedupWindow, keepMessages, storeBytes } = flags;
  if (isNatsStore(from) === isNatsStore(to) || from === 'memory' || to === 'memory') throw notTwoKinds();
  const direction = isNatsStore(to) ? 'to-stream' : 'to-file';
  const [servers, file] = direction === 'to-stream' ? [to, from] : [from, to];
  const { migrate } = await import('../../bus/store/migration/migrate.ts');
  const migrated = await migrate({
    direction,
    file: path.resolve(file),
    stream: {
      nats: await natsPlaceOf(servers, flags),
      deployment,
      replicas: storeReplicas,
      retryScheduler: realScheduler,
      dedupWindowMs: dedupWindow,
      retention: { messages: keepMessages, bytes: storeBytes },
      onWait: (reason) => process.stderr.write(`waiting for NATS: ${reason}\n`),
    },
    onProgress: progressPrinter('are moved'),
  });
  process.stdout.write(json ? `${JSON.stringify(migrated, null, 2)}\n` : `${described(migrated, { from, to })}\n`);
}

function described(migrated: Migrated, { from, to }: { readonly from: string; readonly to: string }): string {
  const said = migrated.isNew
    ? `${from} is moved to ${to}`
    : `${to} holds what ${from} holds already; nothing is changed`;
  return `${said}: ${countsText(migrated)}`;
}

function notTwoKinds(): UserFacingError {
  return new UserFacingError({
    id: 'bus/migrate/kinds',
    found: '--from and --to do not name one file and one store on NATS',
    next: ['Write nats://HOST[:PORT] in one of them and a file in the other. To copy a file, use `bus backup`.'],
    exitCode: usageExitCode,
  });
}
