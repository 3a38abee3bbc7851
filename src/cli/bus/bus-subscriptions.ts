import type { Command } from 'commander';
import { headedTable } from '../../base/output/terminal-table.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  DropSubscriptionRequestSchema,
  ListSubscriptionsRequestSchema,
  type StoredSubscription,
} from '../../contract/wire/gen/meridian/bus/v1/subscriptions_pb.ts';
import { subscriptionMethods } from '../../contract/wire/methods.ts';
import type { RpcError } from '../../transport/status.ts';
import { usageExitCode } from '../command.ts';
import { type AdminClient, notFound } from './admin-client.ts';
import { type AdminFlags, print, withAdminClient, withAdminFlags } from './admin-flags.ts';
import { everyPage } from './every-page.ts';
import { printAnswers, withWatchFlag } from './watching.ts';

interface ListFlags extends AdminFlags {
  readonly instance?: string;
  readonly watch: boolean;
}

/** `meridian-sidecar bus subscriptions …`: what a running bus has stored of subscriptions. */
export function addSubscriptionsCommand(bus: Command): void {
  const subscriptions = bus.command('subscriptions').description('list and drop the stored subscriptions of a bus');
  withWatchFlag(withAdminFlags(subscriptions.command('list').description('list the stored subscriptions')))
    .option('--instance <id>', 'only those of this instance')
    .action((flags: ListFlags) =>
      withAdminClient(flags, (client) => printAnswers(flags.watch, () => listText(client, flags))),
    );
  withAdminFlags(subscriptions.command('drop').description('drop a subscription that no plugin uses, and its cursor'))
    .argument('<instance>', 'its INSTANCE_ID')
    .argument('<name>', 'the name of the subscription')
    .action((instance: string, name: string, flags: AdminFlags) =>
      withAdminClient(flags, (client) => drop(client, { instance, name }, flags)),
    );
}

/** A table; with `--json` an array, which takes one line while watching. */
async function listText(client: AdminClient, flags: ListFlags): Promise<string> {
  const rows = (await everySubscription(client, flags.instance ?? '')).map(rowOf);
  if (flags.json) return `${JSON.stringify(rows, null, flags.watch ? 0 : 2)}\n`;
  if (rows.length === 0) return 'no subscriptions\n';
  const cells = rows.map(({ instance, name, pattern, inUse, unacknowledged, backlogMessages }) => [
    instance,
    name,
    pattern,
    inUse ? 'yes' : 'no',
    `${unacknowledged}`,
    `${backlogMessages}`,
  ]);
  const head = ['INSTANCE', 'NAME', 'PATTERN', 'IN USE', 'UNACKED', 'BACKLOG'];
  return `${headedTable(head, cells, process.stdout.columns).join('\n')}\n`;
}

function everySubscription(client: AdminClient, instanceId: string): Promise<StoredSubscription[]> {
  return everyPage(async (last?: StoredSubscription) => {
    const after = last && { instanceId: last.instanceId, name: last.name };
    const request = create(ListSubscriptionsRequestSchema, { instanceId, ...(after && { after }) });
    const { subscriptions, hasMore } = await client.call(subscriptionMethods.list, request);
    return { items: subscriptions, next: hasMore ? subscriptions.at(-1) : undefined };
  });
}

function rowOf(stored: StoredSubscription) {
  const { instanceId: instance, name, pattern, inUse, unacknowledged, backlogMessages, idleExpiryS } = stored;
  return {
    instance,
    name,
    pattern,
    inUse,
    unacknowledged: Number(unacknowledged),
    backlogMessages: Number(backlogMessages),
    idleExpirySeconds: idleExpiryS,
  };
}

async function drop(
  client: AdminClient,
  { instance, name }: { readonly instance: string; readonly name: string },
  flags: AdminFlags,
): Promise<void> {
  await client.call(
    subscriptionMethods.drop,
    create(DropSubscriptionRequestSchema, { instanceId: instance, name }),
    notDropped,
  );
  print(flags.json ? `${JSON.stringify({ instance, name, dropped: true })}\n` : `dropped ${name} of ${instance}\n`);
}

const notStored = notFound({
  id: 'subscriptions/drop/not-found',
  next: ['List the stored subscriptions with `meridian-sidecar bus subscriptions list`.'],
  exitCode: usageExitCode,
});

function notDropped(error: RpcError): UserFacingError | undefined {
  if (error.code !== 'FAILED_PRECONDITION') return notStored(error);
  return new UserFacingError({
    id: 'subscriptions/drop/in-use',
    found: error.message,
    expected: 'A subscription is dropped only while no plugin uses it.',
    next: ['Stop the plugin first, or let it unsubscribe.'],
    exitCode: usageExitCode,
  });
}
