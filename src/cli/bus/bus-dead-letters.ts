import type { Command } from 'commander';
import { alignColumns } from '../../base/align-columns.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  type DeadLetter,
  ListDeadLettersRequestSchema,
  ShowDeadLetterRequestSchema,
} from '../../contract/wire/gen/meridian/bus/v1/dead_letters_pb.ts';
import { deadLetterMethods } from '../../contract/wire/methods.ts';
import type { RpcError } from '../../transport/status.ts';
import { usageExitCode } from '../command.ts';
import { messageJson, messageLine, printable } from '../shell/message-text.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminFlags, print, withAdminClient, withAdminFlags } from './admin-flags.ts';

/** `meridian-sidecar bus dead-letters …`: what no attempt could handle. */
export function addDeadLettersCommand(bus: Command): void {
  const deadLetters = bus.command('dead-letters').description('show the dead letters that a bus has stored');
  withAdminFlags(deadLetters.command('list').description('list them, the oldest first')).action((flags: AdminFlags) =>
    withAdminClient(flags, async (client) => print(listText(await everyPage(client), flags))),
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

async function everyPage(client: AdminClient): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for (let after = 0n, hasMore = true; hasMore; ) {
    const page = await client.call(deadLetterMethods.list, create(ListDeadLettersRequestSchema, { after }));
    found.push(...page.deadLetters);
    hasMore = page.hasMore && page.scannedTo > after;
    after = page.scannedTo;
  }
  return found;
}

function listText(letters: readonly DeadLetter[], { json }: AdminFlags): string {
  const rows = letters.map(rowOf);
  if (json) return `${JSON.stringify(rows, null, 2)}\n`;
  if (rows.length === 0) return 'no dead letters\n';
  const head = ['POSITION', 'AT', 'INSTANCE', 'SUBSCRIPTION', 'TOPIC', 'TRIES'];
  const cells = rows.map(({ position, at, instance, subscription, originalTopic, attempts }) => [
    position,
    at.slice(5, 16).replace('T', ' '),
    cut(instance, 14),
    cut(subscription, 14),
    cut(originalTopic, 16),
    `${attempts}`,
  ]);
  return `${alignColumns([head, ...cells]).join('\n')}\n`;
}

function rowOf({ position, meta, payloadBytes }: DeadLetter) {
  return {
    position: `${position}`,
    at: new Date(Number((meta?.publishedAtNs ?? 0n) / 1_000_000n)).toISOString(),
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

function cut(text: string, characters: number): string {
  const shown = printable(text);
  return shown.length > characters ? `${shown.slice(0, characters - 1)}…` : shown;
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

function notStored({ code, message }: RpcError): UserFacingError | undefined {
  if (code !== 'NOT_FOUND') return undefined;
  return new UserFacingError({
    id: 'dead-letters/show/not-found',
    found: message,
    next: ['List them with `meridian-sidecar bus dead-letters list`.'],
    exitCode: usageExitCode,
  });
}
