import { UserFacingError } from '../../../base/user-facing-error.ts';
import { MemoryStore } from '../in-memory/memory-store.ts';
import { defaultDedupWindowMs, defaultRetention } from '../retention.ts';
import type { StoredMessage } from '../store.ts';
import { BatchLane } from './batch-lane.ts';
import { type JetStreamStore, StoreOnStream } from './jetstream-store.ts';
import { unfinishedMove, writeFailed } from './nats-fault.ts';
import { type OpenStream, openStream, type StreamOptions } from './open-stream.ts';
import { PendingChanges } from './pending-changes.ts';
import { StoredRecords } from './stored-records.ts';

export interface JetStreamStoreOptions extends StreamOptions {
  /** Another bus took over the stream, or it takes nothing more: the store can promise nothing else. */
  readonly onFailure?: (error: UserFacingError) => void;
}

/**
 * Takes over the stream of a deployment and reads what is in it. The stream is made if there is none.
 * @throws UserFacingError
 */
export async function openJetStreamStore(options: JetStreamStoreOptions): Promise<JetStreamStore> {
  const opened = await openStream(options, 'make');
  if (opened.unfinishedMove === undefined) return storeOn(opened, options);
  await opened.connection.close();
  throw unfinishedMove(opened.stream.name);
}

function storeOn(
  { connection, stream, subjects, writer, tables, sequences }: OpenStream,
  options: JetStreamStoreOptions,
) {
  const { retention = defaultRetention, dedupWindowMs = defaultDedupWindowMs, scheduler } = options;
  const { onFailure = () => {}, onWait = () => {} } = options;
  const records = new StoredRecords(tables, subjects, scheduler);
  const listeners = new Set<(added: readonly StoredMessage[]) => void>();
  const changes = new PendingChanges({
    ...{ tables, records, subjects, stream, writer, dedupWindowMs, sequences, onPurgeFailure: onWait },
    onStored: (messages) => {
      if (messages.length > 0) for (const listener of [...listeners]) listener(messages);
    },
  });
  tables.deduplication.watchPublishes((owner, sequence) => changes.changed(records.publishes(owner, sequence)));
  const model = new MemoryStore({ scheduler, dedupWindowMs, retention, tables });
  model.onAppend((added) => changes.added(added));
  const lane = new BatchLane(changes, (reason) =>
    onFailure(reason instanceof UserFacingError ? reason : writeFailed(stream.name, reason)),
  );
  return new StoreOnStream({ connection, model, records, changes, lane, listeners });
}
