import type { Command } from 'commander';
import { headedTable } from '../../base/output/terminal-table.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  type DeadLetter,
  ListDeadLettersRequestSchema,
  ShowDeadLetterRequestSchema,
} from '../../contract/wire/gen/meridian/bus/v1/dead_letters_pb.ts';
import { deadLetterMethods } from '../../contract/wire/methods.ts';
import { usageExitCode } from '../command.ts';
import { messageJson, messageLine, timeOf } from '../shell/message-text.ts';
import { type AdminClient, notFound } from './admin-client.ts';
import { type AdminFlags, print, withAdminClient, withAdminFlags } from './admin-flags.ts';
import { everyPage } from './every-page.ts';

/** `meridian-sidecar bus dead-letters …`: what no attempt could handle. */
export function addDeadLettersCommand(bus: Command): void {
  const deadLetters = bus.command('dead-letters').description('show the dead letters that a bus has stored');
  withAdminFlags(deadLetters.command('list').description('list them, the oldest first')).action((flags: AdminFlags) =>
    withAdminClient(flags, async (client) => print(listText(await everyDeadLetter(client), flags))),
  );
  withAdminFlags(deadLetters.command('show').description('show one of them with its payload'))
    .argument('<position>', 'its position, as `list` tells it')
    .action((position: string, flags: AdminFlags) => show(position, flags));
}

function show(text: string, flags: AdminFlags): Promise<void> {
  const position = positionIn(text);
  return withAdminClient(flags, async (client) => {
    const request = create(ShowDeadLetterRequestSchema, { position });
    const { envelope } = await client.call(deadLetterMethods.show, request, notStored);
    if (envelope) print(flags.json ? messageJson(envelope) : messageLine(envelope));
  });
}

function everyDeadLetter(client: AdminClient): Promise<DeadLetter[]> {
  return everyPage<DeadLetter, bigint>(async (after = 0n) => {
    const request = create(ListDeadLettersRequestSchema, { after });
    const { deadLetters, scannedTo, hasMore } = await client.call(deadLetterMethods.list, request);
    return { items: deadLetters, next: hasMore && scannedTo > after ? scannedTo : undefined };
  });
}

function listText(letters: readonly DeadLetter[], { json }: AdminFlags): string {
  const rows = letters.map(rowOf);
  if (json) return `${JSON.stringify(rows, null, 2)}\n`;
  if (rows.length === 0) return 'no dead letters\n';
  const head = ['POSITION', 'AT', 'INSTANCE', 'SUBSCRIPTION', 'TOPIC', 'TRIES'];
  const cells = rows.map(({ position, at, instance, subscription, originalTopic, attempts }) => [
    position,
    at.slice(5, 16).replace('T', ' '),
    instance,
    subscription,
    originalTopic,
    `${attempts}`,
  ]);
  return `${headedTable(head, cells, process.stdout.columns).join('\n')}\n`;
}

function rowOf({ position, meta, payloadBytes }: DeadLetter) {
  return {
    position: `${position}`,
    at: timeOf(meta?.publishedAtNs),
    instance: meta?.publisherInstanceId ?? '',
    subscription: meta?.failedSubscription ?? '',
    topic: meta?.topic ?? '',
    originalTopic: meta?.originalTopic ?? '',
    originalPublisher: meta?.originalPublisherInstanceId ?? '',
    originalMessageId: meta?.causationId ?? '',
    attempts: meta?.failedAttempts ?? 0,
    payloadBytes,
  };
}

function positionIn(text: string): bigint {
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new UserFacingError({
    id: 'dead-letters/show/position',
    found: `the position is ${JSON.stringify(text)}`,
    expected: 'It must be a whole number.',
    next: ['Take it from `meridian-sidecar bus dead-letters list`.'],
    exitCode: usageExitCode,
  });
}

const notStored = notFound({
  id: 'dead-letters/show/not-found',
  next: ['List them with `meridian-sidecar bus dead-letters list`.'],
  exitCode: usageExitCode,
});
