// Writes down every message that it gets, and whether it was marked as a possible repeat, before it acknowledges it; as a member of a group if one is named.
import { realScheduler } from '../../../src/base/time/real-scheduler.ts';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { connect } from '../../../src/plugin/index.ts';
import type { LedgerEntry } from '../entries.ts';
import { openJournal } from '../journal.ts';
import { takenFrom } from './taken.ts';

const [file = '', pattern = '', group = ''] = process.argv.slice(2);
const write = openJournal<LedgerEntry>(file);
const plugin = await connect();
await plugin.subscribe(pattern, { name: 'ledger', group }, async (message) => {
  write({ kind: 'received', ...takenFrom(message) });
  // As long as its work may take, so that kills fall between the record and the acknowledgement.
  await sleep(realScheduler, 2);
});
write({ kind: 'subscribed' });
await plugin.stopped;
