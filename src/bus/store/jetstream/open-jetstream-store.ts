import { nuid } from '@nats-io/transport-node';
import type { Scheduler } from '../../../base/time/scheduler.ts';
import { UserFacingError } from '../../../base/user-facing-error.ts';
import { MemoryStore } from '../in-memory/memory-store.ts';
import { defaultDedupWindowMs, defaultRetention, type RetentionOptions } from '../retention.ts';
import type { StoredMessage } from '../store.ts';
import { BatchLane } from './batch-lane.ts';
import { type JetStreamStore, StoreOnStream } from './jetstream-store.ts';
import { checkServer, makeStream } from './make-stream.ts';
import { connectToNats, type NatsPlace } from './nats-connection.ts';
import { writeFailed } from './nats-fault.ts';
import { PendingChanges } from './pending-changes.ts';
import { restoreTables } from './restore-tables.ts';
import { StoredRecords } from './stored-records.ts';
import { Stream } from './stream.ts';
import { StreamWriter } from './stream-writer.ts';
import { Subjects } from './subjects.ts';

export interface JetStreamStoreOptions {
  readonly nats: NatsPlace;
  /** Keeps the streams of several deployments apart. */
  readonly deployment: string;
  readonly replicas: number;
  /** The clock of the store. */
  readonly scheduler: Scheduler;
  /** Waits before a request is repeated. Absent: `scheduler`. */
  readonly retryScheduler?: Scheduler;
  readonly dedupWindowMs?: number;
  readonly retention?: RetentionOptions;
  /** Another bus took over the stream, or it takes nothing more: the store can promise nothing else. */
  readonly onFailure?: (error: UserFacingError) => void;
  /** NATS does not answer or does not store, and the store waits for it. */
  readonly onWait?: (reason: string) => void;
}

/**
 * Takes over the stream of a deployment and reads what is in it. The stream is made if there is none.
 * @throws UserFacingError
 */
export async function openJetStreamStore(options: JetStreamStoreOptions): Promise<JetStreamStore> {
  const { retention = defaultRetention, dedupWindowMs = defaultDedupWindowMs, scheduler, deployment } = options;
  const { retryScheduler = scheduler, onFailure = () => {}, onWait = () => {} } = options;
  const connection = await connectToNats(options.nats);
  try {
    checkServer(connection.info);
    const subjects = new Subjects(deployment);
    const stream = new Stream(connection, subjects.stream);
    const bytes = streamBytes(retention);
    await makeStream(stream, { subjects: subjects.all, replicas: options.replicas, bytes });
    const writer = new StreamWriter({
      stream,
      subject: subjects.writer,
      writerId: nuid.next(),
      scheduler: retryScheduler,
      onWait,
    });
    const upTo = await writer.takeOver();
    const settings = { scheduler, dedupWindowMs, retention };
    const { tables, sequences } = await restoreTables({ ...settings, stream, subjects, upTo, retryScheduler });
    const records = new StoredRecords(tables, subjects, scheduler);
    const listeners = new Set<(added: readonly StoredMessage[]) => void>();
    const changes = new PendingChanges({
      ...{ tables, records, subjects, stream, writer, dedupWindowMs, sequences, onPurgeFailure: onWait },
      onStored: (messages) => {
        if (messages.length > 0) for (const listener of [...listeners]) listener(messages);
      },
    });
    tables.deduplication.watchPublishes((owner, sequence) => changes.changed(records.publishes(owner, sequence)));
    const model = new MemoryStore({ ...settings, tables });
    model.onAppend((added) => changes.added(added));
    const lane = new BatchLane(changes, (reason) =>
      onFailure(reason instanceof UserFacingError ? reason : writeFailed(stream.name, reason)),
    );
    return new StoreOnStream({ connection, model, records, changes, lane, listeners });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Every message has up to some 200 bytes of headers, and records are stored before what they replace is deleted. */
function streamBytes({ bytes }: RetentionOptions): number {
  return bytes * 4 + 256 * 1024 * 1024;
}
