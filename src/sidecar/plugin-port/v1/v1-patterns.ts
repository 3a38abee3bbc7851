import { type Delivery, StartAt } from '../../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcError } from '../../../transport/status.ts';
import type { BusSubscription, Credit } from '../../bus-link/bus-subscription.ts';
import type { BusSubscriptions } from '../../bus-link/subscriptions.ts';
import type { SidecarMemory } from '../../memory/sidecar-memory.ts';
import type { SidecarTelemetry } from '../../metrics/sidecar-telemetry.ts';
import { CreditWindow } from '../credit-window.ts';
import type { V1Stream } from './v1-stream.ts';

export interface V1PatternsOptions {
  readonly subscriptions: BusSubscriptions;
  readonly credit: Credit;
  readonly telemetry: SidecarTelemetry;
  readonly memory: SidecarMemory;
}

interface Member {
  readonly stream: V1Stream;
  /** Called once the subscription is open. */
  readonly onOpen: () => void;
}

/** A stream's place among those of its pattern. */
export interface Membership {
  /** Joins, beginning with what the newest stream so far was not given. */
  begin(): void;
  /** The message was written to the stream, or the stream had no capacity for it. */
  done(delivery: Delivery): void;
  leave(): void;
}

/**
 * The v1 subscriptions: one at the bus for each pattern, shared by the streams of that pattern. Each stream gets every message
 * from its start.
 *
 * The newest stream of a pattern moves its cursor. A new stream starts there, even if the old one broke unnoticed. When the
 * newest ends first, an older one moves the cursor. What the last one was not given stays at the bus.
 */
export class V1Patterns {
  readonly #options: V1PatternsOptions;
  readonly #open = new Map<string, V1Pattern>();

  constructor(options: V1PatternsOptions) {
    this.#options = options;
  }

  /** The number of streams beyond the first of each pattern. */
  get sharingStreams(): number {
    return this.#all().length - this.#open.size;
  }

  /** The bytes in the streams that the plugin has not read. */
  get heldBytes(): number {
    return this.#all().reduce((sum, { stream }) => sum + stream.heldBytes, 0);
  }

  /** The subscription name under which the cursor of a pattern is stored. */
  static nameOf(pattern: string): string {
    return `v1:${pattern}`;
  }

  join(pattern: string, member: Member): Membership {
    const shared = this.#open.get(pattern) ?? new V1Pattern(pattern, this.#options, () => this.#open.delete(pattern));
    this.#open.set(pattern, shared);
    return {
      begin: () => shared.begin(member),
      done: (delivery) => shared.done(member, delivery),
      leave: () => shared.leave(member),
    };
  }

  #all(): Member[] {
    return [...this.#open.values()].flatMap((pattern) => pattern.members);
  }
}

/** One pattern, for as long as it has streams. */
class V1Pattern {
  /** Oldest first. */
  readonly members: Member[] = [];
  readonly #subscription: BusSubscription;
  readonly #window: CreditWindow;
  readonly #stopListening: () => void;
  readonly #close: (how: { isGraceful: boolean }) => void;
  readonly #onEmpty: () => void;
  /** Not yet settled by the newest stream. Every open stream was given all of these. */
  readonly #unsettled = new Map<bigint, Delivery>();
  #isOpen = false;

  constructor(pattern: string, { subscriptions, credit, telemetry, memory }: V1PatternsOptions, onEmpty: () => void) {
    this.#onEmpty = onEmpty;
    this.#window = new CreditWindow(credit, memory.credits);
    this.#window.give(credit);
    const first = this.#window.take() ?? { messages: 0, bytes: 0 };
    const name = V1Patterns.nameOf(pattern);
    const { subscription, close } = subscriptions.add({ name, pattern, startAt: StartAt.NEW }, first, {
      opened: () => this.#opened(),
      deliver: (delivery) => this.#deliver(delivery),
      acknowledged: (positions) => telemetry.acknowledged(name, positions.length),
      ended: (status) => this.#ended(status),
      requeued: () => this.#requeued(),
    });
    this.#subscription = subscription;
    this.#close = close;
    this.#stopListening = memory.shedding.onEnd(() => this.#passCreditOn());
  }

  begin(member: Member): void {
    this.members.push(member);
    if (this.#isOpen) member.onOpen();
    for (const delivery of [...this.#unsettled.values()]) member.stream.take(delivery);
  }

  done(member: Member, { position }: Delivery): void {
    if (this.members.at(-1) === member) this.#settle([position]);
  }

  leave(member: Member): void {
    const index = this.members.indexOf(member);
    if (index < 0) return;
    this.members.splice(index, 1);
    const newest = this.members.at(-1);
    if (newest) {
      this.#settle([...this.#unsettled.keys()].filter((position) => !newest.stream.holds(position)));
    } else {
      this.#close({ isGraceful: true });
      this.#stopListening();
      this.#window.close();
      this.#onEmpty();
    }
  }

  #opened(): void {
    const wasOpen = this.#isOpen;
    this.#isOpen = true;
    if (!wasOpen) for (const { onOpen } of this.members) onOpen();
  }

  #deliver(delivery: Delivery): void {
    // Each stream bounds its own buffer, so a slow one delays neither the others nor the bus.
    this.#window.delivered(delivery.creditBytes);
    this.#window.give({ messages: 1, bytes: delivery.creditBytes });
    this.#passCreditOn();
    this.#unsettled.set(delivery.position, delivery);
    for (const { stream } of this.members) stream.take(delivery);
  }

  #passCreditOn(): void {
    const portion = this.#window.take();
    if (portion) this.#subscription.addCredit(portion);
  }

  #settle(positions: readonly bigint[]): void {
    const settled = positions.filter((position) => this.#unsettled.delete(position));
    if (settled.length > 0) this.#subscription.acknowledge(settled);
  }

  /** The bus redelivers it, to this sidecar or to the next. */
  #requeued(): void {
    this.#unsettled.clear();
    for (const { stream } of this.members) stream.forget();
  }

  #ended(status: RpcError): void {
    for (const { stream } of this.members) stream.fail(status);
  }
}
