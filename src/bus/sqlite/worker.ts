// The thread that has the store's file: every fsync blocks here, and not the event loop of the bus.
import { parentPort, workerData } from 'node:worker_threads';
import { storeFault } from './file/store-fault.ts';
import { closeStoreFile, openStoreFile } from './file/store-file.ts';
import { commitGroup } from './group-commit.ts';
import { Statements } from './statements.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './store-commands.ts';
import { StoreRows } from './store-rows.ts';

const port = parentPort;
if (!port) throw new Error('this is the entry of a worker thread');
const options = workerData as WorkerOptions;
const send = (message: FromWorker): void => port.postMessage(message);

try {
  const database = openStoreFile(options);
  const rows = new StoreRows({ sql: new Statements(database), ...options });
  port.on('message', (message: ToWorker) => {
    try {
      if (message.kind === 'commands') {
        send({ kind: 'answers', ...commitGroup(database, rows, message.commands) });
      } else {
        closeStoreFile(database);
        port.close();
      }
    } catch (error) {
      fail(error, true);
    }
  });
  send({ kind: 'opened' });
} catch (error) {
  fail(error, false);
}

/** An error's class and its fields do not survive the way between threads, so it is told as what a person is to read. */
function fail(error: unknown, isOpen: boolean): void {
  const { id, message: found, next, exitCode } = storeFault(options.path, error, isOpen);
  send({ kind: 'failed', fault: { id, found, next, exitCode } });
  port?.close();
}
