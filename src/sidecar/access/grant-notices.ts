import type { Log } from '../../base/log/log.ts';
import { every, type Scheduler, type Timer } from '../../base/time/scheduler.ts';
import type { SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { approvalCommand } from '../../contract/wire/topics/approval-command.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';
import type { SessionListener } from '../bus-link/session-listener.ts';
import { listGrants } from '../lifecycle/startup-errors.ts';
import type { Access } from './access.ts';

const remindEveryMs = 10_000;

/** Logs which grants are given and withdrawn. While some are undecided, logs them with the command that approves them. */
export class GrantNotices implements SessionListener {
  readonly #options: { access: Access; instanceId: string; scheduler: Scheduler; log: Log };
  #last: readonly Grant[] | undefined;
  #reminder: Timer | undefined;

  /** The access must receive an event first. */
  constructor(options: { access: Access; instanceId: string; scheduler: Scheduler; log: Log }) {
    this.#options = options;
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case !== 'grants') return;
    this.#noteChange();
    const isWaiting = this.#options.access.undecided.length > 0;
    if (!isWaiting) this.close();
    if (!isWaiting || this.#reminder) return;
    this.#remind();
    this.#reminder = every(this.#options.scheduler, remindEveryMs, () => this.#remind());
  }

  close(): void {
    this.#reminder?.cancel();
    this.#reminder = undefined;
  }

  #noteChange(): void {
    const { access, log } = this.#options;
    if (!access.isLoaded) return;
    const [before, now] = [this.#last, access.granted];
    this.#last = now;
    if (!before) return;
    const gained = without(now, before);
    const lost = without(before, now);
    if (gained.length > 0) log.info(`the bus granted ${listGrants(gained)}`);
    if (lost.length > 0) log.warn(`the bus took back ${listGrants(lost.map((grant) => access.withReason(grant)))}`);
  }

  #remind(): void {
    const { access, instanceId, log } = this.#options;
    const command = approvalCommand(instanceId, access.undecided);
    log.warn(`waiting for an approval of ${listGrants(access.undecided)}; an administrator gives it with: ${command}`);
  }
}

function without(grants: readonly Grant[], others: readonly Grant[]): Grant[] {
  return grants.filter(
    ({ pattern, action }) => !others.some((other) => other.pattern === pattern && other.action === action),
  );
}
