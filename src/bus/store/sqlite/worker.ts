// This thread has the store's file: every fsync blocks here, and not the event loop of the bus.
import { parentPort, workerData } from 'node:worker_threads';
import { realScheduler } from '../../../base/time/real-scheduler.ts';
import { DiskReserve } from './file/disk-reserve.ts';
import { HeldFiles } from './file/held-files.ts';
import { StoreCopies } from './file/store-copies.ts';
import { storeFault } from './file/store-fault.ts';
import { closeStoreFile, openStoreFile } from './file/store-file.ts';
import { commitGroup } from './group-commit.ts';
import { Statements } from './rows/statements.ts';
import { StoreRows } from './rows/store-rows.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './store-commands.ts';
import { StoreRoom } from './store-room.ts';

const port = parentPort;
if (!port) throw new Error('this is the entry of a worker thread');
const options = workerData as WorkerOptions;
const send = (message: FromWorker): void => port.postMessage(message);

try {
  const database = openStoreFile(options);
  const rows = new StoreRows({ sql: new Statements(database), ...options });
  const files = new HeldFiles(options.path);
  const reserve = new DiskReserve(options.path);
  const room = new StoreRoom(database, reserve, realScheduler);
  commitGroup({ database, rows, room }, [{ name: 'forgetReservations', args: {} }]);
  const held: ToWorker[] = [];
  const copies = new StoreCopies(database, send, () => {
    for (const message of held.splice(0)) handle(message);
  });
  const close = async (): Promise<void> => {
    await copies.stop();
    reserve.release();
    closeStoreFile(database);
    port.close();
  };
  const handle = (message: ToWorker): void => {
    try {
      if (copies.isStepping) held.push(message);
      else if (message.kind === 'commands') {
        const group = commitGroup({ database, rows, room }, message.commands);
        // Before the store confirms that anything is stored.
        if (group.committed) files.check();
        send({ kind: 'answers', ...group, isDiskFull: room.isDiskFull });
      } else if (message.kind === 'copy') {
        copies.start(message.to);
      } else {
        close().catch((error: unknown) => fail(error, true));
      }
    } catch (error) {
      fail(error, true);
    }
  };
  port.on('message', handle);
  send({ kind: 'opened', isDiskFull: room.isDiskFull });
} catch (error) {
  fail(error, false);
}

/** An error's class and fields are lost between threads, so the message contains the text for a person. */
function fail(error: unknown, isOpen: boolean): void {
  const { id, message: found, next, exitCode } = storeFault(options.path, error, isOpen);
  send({ kind: 'failed', fault: { id, found, next, exitCode } });
  port?.close();
}
