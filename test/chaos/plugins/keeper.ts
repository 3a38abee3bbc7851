// Writes down every message and fails to handle it, so that all stay unacknowledged.
import { silentLog } from '../../../src/base/log.ts';
import { connect } from '../../../src/plugin/index.ts';
import type { LedgerEntry } from '../entries.ts';
import { openJournal } from '../journal.ts';
import { takenFrom } from './taken.ts';

const [file = '', pattern = ''] = process.argv.slice(2);
const write = openJournal<LedgerEntry>(file);
const plugin = await connect({ log: silentLog });
await plugin.subscribe(pattern, { name: 'keeper' }, (message) => {
  write({ kind: 'received', ...takenFrom(message) });
  throw new Error('kept');
});
write({ kind: 'subscribed' });
await plugin.stopped;
