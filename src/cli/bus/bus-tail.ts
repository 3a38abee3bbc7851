import type { Command } from 'commander';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { sleep } from '../../base/time/scheduler.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { ReadRequestSchema, StatusRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/overview_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { overviewMethods } from '../../contract/wire/methods.ts';
import { interruption, writeOut } from '../shell/interruption.ts';
import { messageJson, messageLine } from '../shell/message-text.ts';
import { countUpTo } from '../shell/shell-flags.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminFlags, withAdminClient, withAdminFlags } from './admin-flags.ts';

interface TailFlags extends AdminFlags {
  readonly last?: number;
}

/** A look at the newest messages goes back so far in the log. */
const lookBack = 10_000n;
const askAgainAfterMs = 500;

/** `meridian-sidecar bus tail PATTERN`: what passes by, until interrupted. */
export function addTailCommand(bus: Command): void {
  withAdminFlags(bus.command('tail').description('print the messages of a pattern as they are stored'))
    .argument('<pattern>', 'such as platform.oms.*, or ** for all')
    .option('--last <count>', 'begin with so many that are stored, of the newest 10,000 of the log', countUpTo(1_000))
    .action((pattern: string, flags: TailFlags) =>
      withAdminClient(flags, (client) => tail(client, pattern, flags, interruption())),
    );
}

async function tail(client: AdminClient, pattern: string, flags: TailFlags, stop: AbortSignal): Promise<void> {
  const { last = 0 } = flags;
  const { lastPosition } = await client.call(overviewMethods.status, create(StatusRequestSchema));
  const start = last === 0 ? lastPosition : lastPosition - lookBack;
  // 0 is before the first message, too.
  let after = start > 0n ? start : 0n;
  let newest: Envelope[] | undefined = last === 0 ? undefined : [];
  while (!stop.aborted) {
    const { messages, cursor, isAtEnd } = await client.call(
      overviewMethods.read,
      create(ReadRequestSchema, { pattern, after }),
    );
    after = cursor;
    if (newest) newest = [...newest, ...messages].slice(-last);
    const shown = newest && isAtEnd ? newest : newest ? [] : messages;
    if (isAtEnd) newest = undefined;
    for (const message of shown) {
      if (!stop.aborted) await writeOut(flags.json ? messageJson(message) : messageLine(message), stop);
    }
    if (isAtEnd) await sleep(realScheduler, askAgainAfterMs, stop);
  }
}
