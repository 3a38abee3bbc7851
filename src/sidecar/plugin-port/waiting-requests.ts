import { formatBytes } from '../../base/bytes.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import type { Request } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import { SendQueue } from '../../transport/send-queue.ts';
import type { StreamHold } from '../memory/stream-hold.ts';
import { streamLimits } from './stream-limits.ts';

const { unreadBytes, waitingRequestBytes } = streamLimits;
/** The memory that a waiting request takes beside its payload. */
const requestOverheadBytes = 2_048;

export interface WaitingRequestsOptions {
  readonly scheduler: Scheduler;
  readonly stream: Pick<RpcStream<never, never>, 'queuedBytes' | 'drained'>;
  /** Counts the waiting bytes. */
  readonly hold: StreamHold;
  readonly send: (request: Request) => void;
  /** The caller no longer waits, and the request was not sent to the plugin. */
  readonly onDropped: (request: Request) => void;
}

/** The requests of one Serve stream that the plugin has not read yet. Each waits no longer than its caller. */
export class WaitingRequests {
  readonly #options: WaitingRequestsOptions;
  readonly #queue: SendQueue;
  readonly #timers = new Set<Timer>();

  constructor(options: WaitingRequestsOptions) {
    this.#options = options;
    this.#queue = new SendQueue(options.stream, { streamBytes: unreadBytes, waitingBytes: waitingRequestBytes });
  }

  /** Why one more cannot wait; undefined when it can. */
  refusal(request: Request): string | undefined {
    if (this.#queue.hasCapacity(costOf(request))) return undefined;
    return `the responder does not read, and more than the limit of ${formatBytes(waitingRequestBytes)} of requests waits for it`;
  }

  add(request: Request): void {
    const { scheduler, hold, send, onDropped } = this.#options;
    const bytes = costOf(request);
    let timer: Timer | undefined;
    let isSent = false;
    hold.arrived(bytes);
    const drop = this.#queue.add(bytes, () => {
      isSent = true;
      this.#cancel(timer);
      send(request);
      hold.written(bytes);
    });
    if (isSent) return;
    timer = scheduler.setTimer(request.timeoutMs, () => {
      this.#cancel(timer);
      drop();
      hold.dropped(bytes);
      onDropped(request);
    });
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  #cancel(timer: Timer | undefined): void {
    if (!timer) return;
    timer.cancel();
    this.#timers.delete(timer);
  }
}

function costOf({ envelope }: Request): number {
  return (envelope?.payload.length ?? 0) + requestOverheadBytes;
}
