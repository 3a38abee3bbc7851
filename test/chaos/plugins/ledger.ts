// Writes down every message that it gets, and whether it was marked as a possible repeat, before it acknowledges it.
import { connect } from '../../../src/plugin/index.ts';
import type { LedgerEntry } from '../entries.ts';
import { openJournal } from '../journal.ts';
import { takenFrom } from './taken.ts';

const [file = '', pattern = ''] = process.argv.slice(2);
const write = openJournal<LedgerEntry>(file);
const plugin = await connect();
await plugin.subscribe(pattern, { name: 'ledger' }, (message) => {
  write({ kind: 'received', ...takenFrom(message) });
});
write({ kind: 'subscribed' });
await plugin.stopped;
