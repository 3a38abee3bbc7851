import type { Log } from '../../base/log/log.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import type { SidecarSettings } from '../../contract/config/settings/sidecar-settings.ts';
import { CreditPool } from './credit-pool.ts';
import { LoadShedding, type MemoryReading } from './load-shedding.ts';
import { MemoryBudget } from './memory-budget.ts';

/** How much memory the sidecar may use, and where that limit comes from. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly origin: string;
}

/** Access to the memory of the process that the sidecar runs in. */
export interface ProcessMemory {
  readonly limit: MemoryLimit;
  /** The use of every limit whose excess ends the process. */
  readonly read: () => readonly MemoryReading[];
  readonly collectGarbage: () => void;
}

/** The memory budgets for messages. Each direction has its own, so that neither starves the other. */
export interface SidecarMemory {
  readonly limit: MemoryLimit;
  /** For messages that the plugin sent and the bus has not answered. */
  readonly outgoing: MemoryBudget;
  /** For messages that the bus sent and the plugin has not read. */
  readonly incoming: MemoryBudget;
  readonly credits: CreditPool;
  readonly shedding: LoadShedding;
  /** Whether a message of this size may be sent to the plugin. */
  readonly hasCapacity: (bytes: number) => boolean;
}

const mebibyte = 1024 * 1024;
/** The limit of a sidecar for which nothing else is configured. */
export const defaultMemoryLimit: MemoryLimit = { bytes: 128 * mebibyte, origin: 'default' };
/** For the runtime, the program and its sockets before the first message. */
const idleBytes = 64 * mebibyte;
/** A buffered message exists up to three times on its way, and one more copy may be garbage that is not collected yet. */
const copies = 4;
/** Two messages of the largest size in each direction. */
const leastHeldBytes = 4 * mebibyte;

/** The bytes of messages to buffer under a memory limit: 16 MiB under 128 MiB. */
export function heldBytesOf(limitBytes: number): number {
  return Math.max(leastHeldBytes, Math.floor((limitBytes - idleBytes) / copies));
}

export function createMemory(options: {
  readonly tuning: SidecarSettings['memory'];
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly process: ProcessMemory | undefined;
}): SidecarMemory {
  const { tuning, scheduler, log, process } = options;
  const limit = process?.limit ?? defaultMemoryLimit;
  const eachWayBytes = Math.floor((tuning.heldBytes ?? heldBytesOf(limit.bytes)) / 2);
  const percent = { begin: tuning.shedAtPercent, end: tuning.resumeAtPercent };
  const { read, collectGarbage } = process ?? {};
  const incoming = new MemoryBudget(eachWayBytes, 'messages on their way to the plugin');
  const outgoing = new MemoryBudget(eachWayBytes, 'messages on their way to the bus');
  const heldBytes = (): number => incoming.heldBytes + outgoing.heldBytes;
  const shedding = new LoadShedding({ scheduler, log, percent, read, heldBytes, collectGarbage });
  return {
    limit,
    outgoing,
    incoming,
    credits: new CreditPool(eachWayBytes, () => shedding.isShedding),
    shedding,
    hasCapacity: (bytes) => !shedding.isShedding && incoming.fits(bytes),
  };
}
