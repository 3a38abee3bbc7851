// Publishes numbered messages on several topics at once, each topic in order and one at a time, and writes down what it
// sent and how that ended. On topics that start with `chaos.keyed` it publishes again under the same key until it knows.
import { existsSync } from 'node:fs';
import { connect } from '../../../src/plugin/index.ts';
import type { PublishOutcome } from '../../../src/plugin/outcomes.ts';
import { RpcError } from '../../../src/transport/status.ts';
import type { LedgerEntry, PublisherEntry } from '../entries.ts';
import { JournalReader, openJournal } from '../journal.ts';
import { Lead } from './lead.ts';

const [file = '', lanes = '', ledgerFile = ''] = process.argv.slice(2);
const next = nextNumbers(file);
const write = openJournal<PublisherEntry>(file);
const plugin = await connect();
const ledger = new JournalReader<LedgerEntry>(ledgerFile);
const lead = new Lead(ledger, plugin.identity.instanceId);
let stopping = false;
plugin.onStop(() => {
  stopping = true;
});
await Promise.all(lanes.split(',').map(publishOnAndOn));
await plugin.stopped;
ledger.close();

async function publishOnAndOn(topic: string): Promise<void> {
  const isKeyed = topic.startsWith('chaos.keyed');
  for (let number = next.get(topic) ?? 1; !stopping; ) {
    await lead.allows(topic, number);
    if (stopping) return;
    write({ kind: 'sent', topic, number });
    const { outcome, ...more } = await publish(topic, number, isKeyed ? { dedupKey: `${number}` } : {});
    write({ kind: 'answered', topic, number, outcome, ...more });
    if (outcome === 'accepted' || !isKeyed) number += 1;
  }
}

async function publish(
  topic: string,
  number: number,
  options: { dedupKey?: string },
): Promise<PublishOutcome | { outcome: 'failed'; reason: string }> {
  try {
    return await plugin.publish(topic, Buffer.from(`${number}`), options);
  } catch (error) {
    return { outcome: 'failed', reason: RpcError.from(error).message };
  }
}

/** Where each topic goes on after a kill: at the last number when its outcome must still be found, else after it. */
function nextNumbers(file: string): Map<string, number> {
  const numbers = new Map<string, number>();
  if (!existsSync(file)) return numbers;
  const journal = new JournalReader<PublisherEntry>(file);
  for (const entry of journal.entries) {
    const isSettled = entry.kind === 'answered' && entry.outcome === 'accepted';
    numbers.set(entry.topic, entry.number + (isSettled || !entry.topic.startsWith('chaos.keyed') ? 1 : 0));
  }
  journal.close();
  return numbers;
}
