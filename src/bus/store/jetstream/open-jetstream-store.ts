import { UserFacingError } from '../../../base/user-facing-error.ts';
import { MemoryStore } from '../in-memory/memory-store.ts';
import { defaultDedupWindowMs, defaultRetention } from '../retention.ts';
import type { StoredMessage } from '../store.ts';
import { BatchLane } from './batch-lane.ts';
import { type JetStreamStore, StoreOnStream } from './jetstream-store.ts';
import { type Leader, LeaderSubject } from './leading/leader-subject.ts';
import { LeadingStore } from './leading/leading-store.ts';
import { standBy } from './leading/stand-by.ts';
import { StreamCopy } from './leading/stream-copy.ts';
import { unfinishedMove, writeFailed } from './nats-fault.ts';
import { findStream, type OpenStream, openStream, type StreamOptions } from './open-stream.ts';
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

export interface StoreInTurnOptions extends JetStreamStoreOptions {
  /** Another process leads; called again and again while it does. */
  readonly onLeader: (leader: Leader) => Promise<void>;
  /** Stops the wait. */
  readonly signal: AbortSignal;
}

/**
 * Opens the store as soon as no other process of the deployment leads. Until then it follows the stream. Resolves with undefined if the
 * signal aborts before.
 * @throws UserFacingError
 */
export async function openStoreInTurn(options: StoreInTurnOptions): Promise<LeadingStore | undefined> {
  const found = await findStream(options, 'make');
  const { connection, stream, subjects, writer } = found;
  const { scheduler, deployment, onFailure = () => {} } = options;
  const nowMs = (): number => scheduler.nowMs();
  const leaderSubject = new LeaderSubject({ connection, deployment, nowMs, onFault: onFailure });
  const copy = new StreamCopy(subjects, options);
  try {
    if (await standBy({ ...options, stream, writer, leaderSubject, copy })) {
      if (copy.unfinishedMove !== undefined) throw unfinishedMove(stream.name);
      await leaderSubject.checkHeard();
      return new LeadingStore(storeOn({ ...found, ...copy.tables() }, options), leaderSubject, scheduler);
    }
  } catch (error) {
    await connection.close();
    throw error;
  }
  await connection.close();
  return undefined;
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
