import type { Scheduler } from '../../../base/time/scheduler.ts';
import { defaultDedupWindowMs, defaultRetention, type RetentionOptions } from '../retention.ts';
import { Deduplication } from './deduplication.ts';
import { GrantDecisions } from './grant-decisions.ts';
import { MessageLog } from './message-log.ts';
import { Ownership } from './ownership.ts';
import { States } from './states.ts';
import { Subscriptions } from './subscriptions.ts';

/** Everything that a store in memory holds. */
export interface MemoryTables {
  readonly log: MessageLog;
  readonly deduplication: Deduplication;
  readonly subscriptions: Subscriptions;
  readonly states: States;
  readonly ownership: Ownership;
  readonly decisions: GrantDecisions;
}

export interface TableOptions {
  readonly scheduler: Scheduler;
  readonly dedupWindowMs?: number;
  readonly retention?: RetentionOptions;
}

/**
 * Empty tables. `startAfter`: the position before the first message. Absent: the clock, which keeps positions ascending after a restart
 * of the process. Otherwise a sidecar with messages of the former store would mistake new ones for them.
 */
export function newTables(
  { scheduler, dedupWindowMs = defaultDedupWindowMs, retention = defaultRetention }: TableOptions,
  startAfter = scheduler.wallTimeNs() / 1_000n,
): MemoryTables {
  return {
    log: new MessageLog(retention, startAfter),
    deduplication: new Deduplication(dedupWindowMs),
    subscriptions: new Subscriptions(() => scheduler.nowMs()),
    states: new States(retention),
    ownership: new Ownership(() => scheduler.wallTimeNs() / 1_000_000n),
    decisions: new GrantDecisions(),
  };
}
