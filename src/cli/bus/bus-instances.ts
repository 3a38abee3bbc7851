import type { Command } from 'commander';
import { headedTable } from '../../base/output/terminal-table.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  ListInstancesRequestSchema,
  Phase,
  type RegisteredInstance,
} from '../../contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import { instanceMethods } from '../../contract/wire/methods.ts';
import { shortened, timeOf } from '../shell/message-text.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminFlags, withAdminClient, withAdminFlags } from './admin-flags.ts';
import { everyPage } from './every-page.ts';
import { printAnswers, withWatchFlag } from './watching.ts';

interface InstancesFlags extends AdminFlags {
  readonly watch: boolean;
}

/** `meridian-sidecar bus instances`: who is registered at a running bus, and whose grants wait. */
export function addInstancesCommand(bus: Command): void {
  const instances = bus.command('instances').description('list the registered instances of a bus');
  withWatchFlag(withAdminFlags(instances)).action((flags: InstancesFlags) =>
    withAdminClient(flags, (client) => printAnswers(flags.watch, () => instancesText(client, flags))),
  );
}

/** A table; with `--json` an array, which takes one line while watching. */
async function instancesText(client: AdminClient, flags: InstancesFlags): Promise<string> {
  const rows = (await everyInstance(client)).map(rowOf);
  if (flags.json) return `${JSON.stringify(rows, null, flags.watch ? 0 : 2)}\n`;
  if (rows.length === 0) return 'no instances\n';
  const cells = rows.map(({ instance, phase, version, connected, leaseMs, openSubscriptions, undecidedGrants }) => [
    instance,
    phase,
    shortened(version, 16),
    connected ? 'open' : 'lost',
    `${(leaseMs / 1_000).toFixed(1)}s`,
    `${openSubscriptions}`,
    `${undecidedGrants}`,
  ]);
  const head = ['INSTANCE', 'PHASE', 'VERSION', 'SESSION', 'LEASE', 'SUBS', 'UNDECIDED'];
  const table = `${headedTable(head, cells, process.stdout.columns).join('\n')}\n`;
  if (rows.every(({ undecidedGrants }) => undecidedGrants === 0)) return table;
  return `${table}grants wait for an approval: meridian-sidecar bus grants list --undecided\n`;
}

function everyInstance(client: AdminClient): Promise<RegisteredInstance[]> {
  return everyPage(async (last?: RegisteredInstance) => {
    const after = last && { instanceId: last.instanceId, epoch: last.epoch };
    const request = create(ListInstancesRequestSchema, { ...(after && { after }) });
    const { instances, hasMore } = await client.call(instanceMethods.list, request);
    return { items: instances, next: hasMore ? instances.at(-1) : undefined };
  });
}

const phases: Readonly<Record<Phase, string>> = {
  [Phase.UNSPECIFIED]: 'unknown',
  [Phase.RESERVED]: 'reserved',
  [Phase.ACTIVE]: 'active',
  [Phase.DRAINING]: 'draining',
};

function rowOf({ instanceId, epoch, phase, poolType, startedAtNs, ...rest }: RegisteredInstance) {
  const { version, principal, connected, leaseMs, openSubscriptions, undecidedGrants } = rest;
  return {
    instance: instanceId,
    epoch: `${epoch}`,
    phase: phases[phase] ?? 'unknown',
    pool: poolType,
    version,
    principal,
    startedAt: timeOf(startedAtNs),
    connected,
    leaseMs,
    openSubscriptions,
    undecidedGrants,
  };
}
