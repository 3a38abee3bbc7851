import { realScheduler } from '../base/time/real-scheduler.ts';
import { type Scheduler, sleep, type Timer } from '../base/time/scheduler.ts';
import { InProcessNetwork } from '../simulation/network/network.ts';
import { VirtualScheduler } from '../simulation/virtual-scheduler.ts';
import { grpcNetwork } from '../transport/grpc/network.ts';
import type { Network } from '../transport/rpc.ts';

/** The clock of a platform, and the network that goes with it. */
export interface PlatformTime {
  readonly kind: 'virtual' | 'real';
  readonly scheduler: Scheduler;
  readonly network: Network;
  /** Lets time pass. With 0, everything that is due now. */
  readonly advance: (ms: number) => Promise<void>;
}

export function realTime(): PlatformTime {
  return {
    kind: 'real',
    scheduler: realScheduler,
    network: grpcNetwork,
    advance: (ms) => sleep(realScheduler, ms),
  };
}

export function virtualTime(seed: number): PlatformTime {
  const scheduler = new StandingClock(seed);
  return {
    kind: 'virtual',
    scheduler,
    // Without latency, so that messages arrive while time stands still.
    network: new InProcessNetwork(scheduler),
    advance: (ms) => scheduler.advance(ms),
  };
}

/** Virtual time that passes only when it is told to. What is due at once happens at once. */
class StandingClock implements Scheduler {
  readonly #time: VirtualScheduler;
  /** The work on the clock so far: two at once would set it twice. */
  #turn: Promise<void> = Promise.resolve();
  #isDue = false;

  constructor(seed: number) {
    this.#time = new VirtualScheduler(seed);
  }

  get random(): Scheduler['random'] {
    return this.#time.random;
  }

  nowMs(): number {
    return this.#time.nowMs();
  }

  wallTimeNs(): bigint {
    return this.#time.wallTimeNs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = this.#time.setTimer(delayMs, callback);
    if (delayMs <= 0 && !this.#isDue) {
      this.#isDue = true;
      void this.#after(() => {
        this.#isDue = false;
        return this.#time.advance(0);
      });
    }
    return timer;
  }

  advance(ms: number): Promise<void> {
    return this.#after(() => this.#time.advance(ms));
  }

  #after(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    // Its own caller is told of a failure.
    this.#turn = done.catch(() => {});
    return done;
  }
}
