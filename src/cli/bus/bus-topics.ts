import type { Command } from 'commander';
import { formatBytes } from '../../base/bytes.ts';
import { headedTable } from '../../base/output/terminal-table.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { CountTopicsRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/overview_pb.ts';
import { overviewMethods } from '../../contract/wire/methods.ts';
import { printable, timeOf } from '../shell/message-text.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminFlags, print, withAdminClient, withAdminFlags } from './admin-flags.ts';
import { everyPage } from './every-page.ts';

/** `meridian-sidecar bus topics [PATTERN]`: what the log holds of each topic. */
export function addTopicsCommand(bus: Command): void {
  withAdminFlags(bus.command('topics').description('count what a bus has stored, by topic, the largest first'))
    .argument('[pattern]', 'only these topics')
    .action((pattern: string | undefined, flags: AdminFlags) =>
      withAdminClient(flags, async (client) => print(topicsText(await countedBy(client, pattern ?? ''), flags))),
    );
}

interface Counted {
  topic: string;
  messages: number;
  bytes: number;
  lastPublishedAtNs: bigint;
}

/** The bus counts a part of its log in each answer. */
async function countedBy(client: AdminClient, pattern: string): Promise<Counted[]> {
  const parts = await everyPage(async (after: bigint = 0n) => {
    const request = create(CountTopicsRequestSchema, { after, pattern });
    const { topics, scannedTo, hasMore } = await client.call(overviewMethods.countTopics, request);
    return { items: topics, next: hasMore && scannedTo > after ? scannedTo : undefined };
  });
  const counts = new Map<string, Counted>();
  for (const { topic, messages, bytes, lastPublishedAtNs } of parts) {
    const before = counts.get(topic) ?? { topic, messages: 0, bytes: 0, lastPublishedAtNs };
    counts.set(topic, {
      topic,
      messages: before.messages + Number(messages),
      bytes: before.bytes + Number(bytes),
      lastPublishedAtNs,
    });
  }
  return [...counts.values()].sort((one, other) => other.bytes - one.bytes);
}

function topicsText(counts: readonly Counted[], { json }: AdminFlags): string {
  const rows = counts.map(({ lastPublishedAtNs, ...counted }) => ({
    ...counted,
    lastPublishedAt: timeOf(lastPublishedAtNs),
  }));
  if (json) return `${JSON.stringify(rows, null, 2)}\n`;
  if (rows.length === 0) return 'no messages\n';
  const cells = rows.map(({ topic, messages, bytes, lastPublishedAt }) => [
    ...[printable(topic), `${messages}`, formatBytes(bytes), lastPublishedAt.slice(0, 19).replace('T', ' ')],
  ]);
  return `${headedTable(['TOPIC', 'MESSAGES', 'SIZE', 'LAST'], cells, process.stdout.columns).join('\n')}\n`;
}
