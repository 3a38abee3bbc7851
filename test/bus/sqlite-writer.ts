// Appends to a store without pause, many messages at a time, and tells of each once it is accepted: `sqlite-writer.ts FILE [BYTES]`.
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { exitCodeOf, renderError } from '../../src/base/user-facing-error.ts';
import { openSqliteStore } from '../../src/bus/store/sqlite/sqlite-store.ts';
import { activeOwner, message } from './store-fixtures.ts';

const concurrency = 32;
const [path = '', bytes = '1'] = process.argv.slice(2);
const store = await openSqliteStore({
  path,
  scheduler: realScheduler,
  onFailure: (error) => {
    process.stderr.write(renderError(error));
    process.exit(exitCodeOf(error));
  },
});
const owner = await activeOwner(store);
process.stdout.write(`epoch ${owner.epoch}\n`);

let sequence = 0n;
async function appendOnAndOn(): Promise<never> {
  for (;;) {
    sequence += 1n;
    const id = `${owner.epoch}-${sequence}`;
    const [appended] = await store.append(owner, [message(sequence, { id, bytes: Number(bytes) })]);
    process.stdout.write(`accepted ${appended?.messageId}\n`);
  }
}
await Promise.all(Array.from({ length: concurrency }, appendOnAndOn));
