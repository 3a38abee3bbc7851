import { every, type Scheduler, type Timer } from '../../../../base/time/scheduler.ts';
import type { Store } from '../../store.ts';
import type { StoreOnStream } from '../jetstream-store.ts';
import type { LeaderSubject } from './leader-subject.ts';

/** An idle leader writes this often: it notices that another one has taken over, and others notice that it leads. */
const renewEveryMs = 1_000;
/** Those who stand by ask several times in it. */
const askedOfLateMs = 2_000;

/** The store of the process that leads, and what it tells those who stand by. */
export class LeadingStore {
  readonly #store: StoreOnStream;
  readonly #subject: LeaderSubject;
  readonly #scheduler: Scheduler;
  readonly #renewal: Timer;

  constructor(store: StoreOnStream, subject: LeaderSubject, scheduler: Scheduler) {
    this.#store = store;
    this.#subject = subject;
    this.#scheduler = scheduler;
    // A failure is told by the store itself.
    this.#renewal = every(scheduler, renewEveryMs, () => void store.renew().catch(() => {}));
  }

  get store(): Store {
    return this.#store;
  }

  /** This process listens, and is reached at this `host:port`. */
  listensAt(address: string): void {
    this.#subject.announce({ address });
  }

  /** This process takes nobody in any more. @returns whether another one stands by. */
  leave(): boolean {
    this.#subject.announce({ isLeaving: true });
    return this.#scheduler.nowMs() - this.#subject.askedMs < askedOfLateMs;
  }

  /** Stores what was asked for. Then another process may lead. */
  async close(): Promise<void> {
    this.#renewal.cancel();
    await this.#store.close(() => this.#subject.stopAnswering());
  }
}
