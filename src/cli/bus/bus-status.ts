import type { Command } from 'commander';
import { formatBytes } from '../../base/bytes.ts';
import { headedTable, wrappedRows } from '../../base/output/terminal-table.ts';
import { formatDuration } from '../../base/time/duration.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { type StatusReply, StatusRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/overview_pb.ts';
import { overviewMethods } from '../../contract/wire/methods.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminFlags, withAdminClient, withAdminFlags } from './admin-flags.ts';
import { printAnswers, withWatchFlag } from './watching.ts';

interface StatusFlags extends AdminFlags {
  readonly watch: boolean;
}

/** `meridian-sidecar bus status`: how a deployment is doing, on one screen. */
export function addBusStatusCommand(bus: Command): void {
  const status = bus.command('status').description('show how a bus is doing: store, instances, grants and backlogs');
  withWatchFlag(withAdminFlags(status)).action((flags: StatusFlags) =>
    withAdminClient(flags, (client) => printAnswers(flags.watch, () => statusText(client, flags))),
  );
}

async function statusText(client: AdminClient, flags: StatusFlags): Promise<string> {
  const status = await client.call(overviewMethods.status, create(StatusRequestSchema));
  if (flags.json) return `${JSON.stringify(jsonOf(status), null, flags.watch ? 0 : 2)}\n`;
  const { columns } = process.stdout;
  const used = Number(status.bytes) / Math.max(1, Number(status.limitBytes));
  const rows = [
    ['deployment', `${status.deploymentId}${status.isOpen ? ' (open: everybody may do everything)' : ''}`],
    ['bus', `version ${status.version}, up ${formatDuration(Math.floor(Number(status.uptimeMs) / 1_000) * 1_000)}`],
    [
      'store',
      `${status.messages} messages, ${formatBytes(Number(status.bytes))} of ${formatBytes(Number(status.limitBytes))} (${Math.round(used * 100)} %)`,
    ],
    ['instances', `${status.registered} registered, ${status.connected} connected, ${status.draining} draining`],
    [
      'grants',
      status.undecidedGrants === 0
        ? 'none wait for an approval'
        : `${status.undecidedGrants} wait for an approval: meridian-sidecar bus grants list --undecided`,
    ],
    ['subscriptions', `${status.storedSubscriptions} stored`],
  ];
  const backlogs = status.backlogs.map(({ instanceId, name, messages, inUse }) => [
    ...[instanceId, name, `${messages}`, inUse ? 'yes' : 'no'],
  ]);
  const table =
    backlogs.length === 0
      ? []
      : ['', ...headedTable(['INSTANCE', 'SUBSCRIPTION', 'BACKLOG', 'IN USE'], backlogs, columns)];
  return `${[...wrappedRows(rows, columns), ...table].join('\n')}\n`;
}

function jsonOf({ uptimeMs, messages, bytes, limitBytes, lastPosition, storedSubscriptions, ...status }: StatusReply) {
  return {
    ...status,
    uptimeMs: Number(uptimeMs),
    messages: Number(messages),
    bytes: Number(bytes),
    limitBytes: Number(limitBytes),
    lastPosition: `${lastPosition}`,
    storedSubscriptions: Number(storedSubscriptions),
    backlogs: status.backlogs.map(({ instanceId: instance, name, messages: held, inUse }) => ({
      ...{ instance, name, messages: Number(held), inUse },
    })),
  };
}
