// The thread that has the store's file: every fsync blocks here, and not the event loop of the bus.
import { parentPort, workerData } from 'node:worker_threads';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { commitGroup } from './group-commit.ts';
import { Statements } from './statements.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './store-commands.ts';
import { closeStoreFile, openStoreFile } from './store-file.ts';
import { StoreRows } from './store-rows.ts';

const port = parentPort;
if (!port) throw new Error('this is the entry of a worker thread');
const send = (message: FromWorker): void => port.postMessage(message);

try {
  const options = workerData as WorkerOptions;
  const database = openStoreFile(options);
  const rows = new StoreRows({ sql: new Statements(database), ...options });
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'commands') {
      send({ kind: 'answers', ...commitGroup(database, rows, message.commands) });
    } else {
      closeStoreFile(database);
      port.close();
    }
  });
  send({ kind: 'opened' });
} catch (error) {
  if (!(error instanceof UserFacingError)) throw error;
  const { id, message: found, next, exitCode } = error;
  send({ kind: 'notOpened', fault: { id, found, next, exitCode } });
}
