import { formatBytes } from '../../base/bytes.ts';
import { SequenceRing } from '../../base/sequence-ring.ts';
import { http2Limits } from '../http2/limits.ts';
import { RpcError } from '../status.ts';

/** A call that keeps received bytes in memory. */
export interface Holder {
  /** Parts of a message that is not complete, complete ones that nobody has read, answers that wait for the peer, and large headers. */
  readonly heldBytes: number;
  /** Since when a message is on its way: one that comes and is not complete, or an answer that the peer does not take. */
  readonly messageBeganMs: number | undefined;
  /** The message that comes waits for its turn, so nothing is lost of it but its beginning. */
  readonly isWaiting: boolean;
  /** Ends the call, whose bytes are then gone. */
  shed(error: RpcError): void;
}

interface LargeMessage {
  readonly bytes: number;
  readonly grant: () => void;
}

/**
 * Bytes that a listener keeps for all of its calls. Over the limit a call of the connection that keeps most is refused: the newest
 * whose message waits for its turn, or else the one that keeps most. A call that is being served counts and is never refused, since it
 * may have had its effect. Messages that are longer than a stream's window take turns, connection by connection.
 */
export class ReceiveBudget {
  readonly #heldBytesMax: number;
  readonly #shares = new Set<ReceiveShare>();
  /** Connections with a large message that waits. The first is next. */
  readonly #waiting = new Set<ReceiveShare>();
  #heldBytes = 0;
  #largeBytes = 0;
  #isGranting = false;

  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
  }

  /** Bytes that are kept now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The part of a new connection. `onShed` is called with the reason for each of its calls that is ended here. */
  open(onShed: (reason: string) => void): ReceiveShare {
    const share = new ReceiveShare(this, onShed);
    this.#shares.add(share);
    return share;
  }

  close(share: ReceiveShare): void {
    this.#shares.delete(share);
    this.#waiting.delete(share);
  }

  /** Counts bytes that are kept, or with a negative number that are not any more. */
  count(bytes: number): void {
    this.#heldBytes += bytes;
    if (bytes > 0) while (this.#heldBytes > this.#heldBytesMax && this.#shed());
    else this.#grantSoon();
  }

  /** A large message begins to wait for its turn. */
  enqueue(share: ReceiveShare): void {
    this.#waiting.add(share);
    this.#grant();
  }

  /** A large message is complete, or will never be. */
  release(bytes: number): void {
    this.#largeBytes -= bytes;
    this.#grantSoon();
  }

  /** Once the call that gave bytes back has counted what it keeps of them. */
  #grantSoon(): void {
    if (this.#isGranting || this.#waiting.size === 0) return;
    this.#isGranting = true;
    queueMicrotask(() => {
      this.#isGranting = false;
      this.#grant();
    });
  }

  #grant(): void {
    for (const share of this.#waiting) {
      const next = share.nextLarge();
      if (next && !this.#hasRoomFor(next)) return;
      this.#waiting.delete(share);
      if (!next) continue;
      this.#largeBytes += next.bytes;
      share.takeLarge();
      // Behind the other connections.
      if (share.nextLarge()) this.#waiting.add(share);
      next.grant();
    }
  }

  /** One message always comes, so that nobody waits forever. */
  #hasRoomFor({ bytes }: LargeMessage): boolean {
    if (this.#largeBytes === 0) return true;
    const isTurn = this.#largeBytes + bytes <= http2Limits.largeMessageBytes;
    return isTurn && this.#heldBytes + bytes <= this.#heldBytesMax;
  }

  #shed(): boolean {
    let largest: ReceiveShare | undefined;
    for (const share of this.#shares) {
      if (share.canShed && share.heldBytes > (largest?.heldBytes ?? 0)) largest = share;
    }
    return largest?.shedOne(this.#heldBytesMax) ?? false;
  }
}

/** The part of a budget that one connection uses. */
export class ReceiveShare {
  readonly #budget: ReceiveBudget;
  readonly #onShed: (reason: string) => void;
  readonly #holders = new Set<Holder>();
  readonly #large = new SequenceRing<LargeMessage>();
  #heldBytes = 0;

  constructor(budget: ReceiveBudget, onShed: (reason: string) => void) {
    this.#budget = budget;
    this.#onShed = onShed;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get canShed(): boolean {
    return this.#holders.size > 0;
  }

  hold(holder: Holder, bytes: number): void {
    this.#holders.add(holder);
    this.#count(bytes);
  }

  release(holder: Holder, bytes: number): void {
    this.#count(-bytes);
    if (holder.heldBytes === 0) this.#holders.delete(holder);
  }

  /** The call begins to be served: what it keeps still counts, and the call is not refused any more. */
  serve(holder: Holder): void {
    this.#holders.delete(holder);
  }

  /** Calls `grant` once the message may come. The returned function gives the turn back, also before it came. */
  requestLarge(bytes: number, grant: () => void): () => void {
    let turn: 'waiting' | 'granted' | 'over' = 'waiting';
    this.#large.push({
      bytes,
      grant: () => {
        if (turn === 'over') return this.#budget.release(bytes);
        turn = 'granted';
        grant();
      },
    });
    this.#budget.enqueue(this);
    return () => {
      if (turn === 'granted') this.#budget.release(bytes);
      turn = 'over';
    };
  }

  nextLarge(): LargeMessage | undefined {
    return this.#large.oldest;
  }

  takeLarge(): void {
    this.#large.delete(this.#large.first);
  }

  /** Ends the calls whose message takes too long. */
  shedSlow(nowMs: number): void {
    const { messageTimeoutMs } = http2Limits;
    for (const holder of [...this.#holders]) {
      const { messageBeganMs } = holder;
      if (messageBeganMs === undefined || nowMs - messageBeganMs < messageTimeoutMs) continue;
      const text = `a message did not pass within ${messageTimeoutMs / 1_000} s of its beginning, which is the limit`;
      this.#shed(holder, text);
    }
  }

  /** Returns false if there is nothing to shed. */
  shedOne(heldBytesMax: number): boolean {
    let largest: Holder | undefined;
    let waiting: Holder | undefined;
    for (const holder of this.#holders) {
      if (holder.isWaiting) waiting = holder;
      if (holder.heldBytes > (largest?.heldBytes ?? 0)) largest = holder;
    }
    const shed = waiting ?? largest;
    if (!shed) return false;
    const text = `${formatBytes(heldBytesMax)} of messages are incomplete, unread or not taken here, which is the limit`;
    this.#shed(shed, text);
    return true;
  }

  /** The connection is over, and its calls have released what they held. */
  close(): void {
    this.#budget.close(this);
  }

  #count(bytes: number): void {
    this.#heldBytes += bytes;
    this.#budget.count(bytes);
  }

  #shed(holder: Holder, reason: string): void {
    this.#onShed(reason);
    holder.shed(new RpcError('RESOURCE_EXHAUSTED', reason));
  }
}
