import type { Attempts, DeliveryTo, Receiver } from '../store/deliveries.ts';

/** A message that a group has not finished. */
export interface Work {
  readonly position: bigint;
  /** One member at a time handles the messages of a key, in order. */
  readonly key: string;
  readonly attempts: number;
  /** It may have been delivered before. */
  readonly isRepeat: boolean;
}

interface Flight {
  readonly work: Work;
  readonly to: Receiver;
}

interface Hold {
  readonly instanceId: string;
  messages: number;
}

/**
 * What a group has not finished: each message waits, or is in flight to one member. While a message of a key is in flight, its member holds
 * the key: no other gets a message of it.
 */
export class GroupWork {
  /** Ascending by position for each key. */
  readonly #waiting = new Map<string, Work[]>();
  readonly #waitingKeys = new Map<bigint, string>();
  readonly #flights = new Map<bigint, Flight>();
  readonly #holds = new Map<string, Hold>();
  readonly #inFlightTo = new Map<string, number>();

  get size(): number {
    return this.#waitingKeys.size + this.#flights.size;
  }

  /** The instance that holds a key; undefined when its messages may go to any member. */
  holderOf(key: string): string | undefined {
    return this.#holds.get(key)?.instanceId;
  }

  hasWaiting(key: string): boolean {
    return this.#waiting.has(key);
  }

  /** How many messages are in flight to an instance. */
  inFlightTo(instanceId: string): number {
    return this.#inFlightTo.get(instanceId) ?? 0;
  }

  /** The first waiting messages of each key for which there is a receiver, at most `most` in all. */
  deliverable(most: number, hasReceiver: (key: string) => boolean): Work[] {
    const found: Work[] = [];
    for (const [key, works] of this.#waiting) {
      if (found.length >= most) break;
      if (hasReceiver(key)) found.push(...works.slice(0, most - found.length));
    }
    return found;
  }

  /** Whether the message waits, and no earlier one of its key does. */
  isNext({ key, position }: Work): boolean {
    return this.#waiting.get(key)?.[0]?.position === position;
  }

  wait(work: Work): void {
    const { key, position } = work;
    const works = this.#waiting.get(key) ?? [];
    let index = works.length;
    while (index > 0 && (works[index - 1]?.position ?? 0n) > position) index -= 1;
    works.splice(index, 0, work);
    this.#waiting.set(key, works);
    this.#waitingKeys.set(position, key);
  }

  /** Puts a message in flight, as one more attempt. */
  send(work: Work, to: Receiver): void {
    this.#stopWaiting(work.position);
    this.#fly({ ...work, attempts: work.attempts + 1 }, to);
  }

  /** Takes over what was in flight before. */
  restore(key: string, position: bigint, { owner, attempt }: DeliveryTo): void {
    this.#fly({ key, position, attempts: attempt, isRepeat: true }, owner);
  }

  /** A message that was to be sent was not. */
  unsend(work: Work): void {
    if (this.#land(work.position)) this.wait(work);
  }

  /** A message in flight has to be redelivered. */
  again(position: bigint, attempts: number): void {
    const flight = this.#land(position);
    if (flight) this.wait({ ...flight.work, attempts, isRepeat: true });
  }

  /** Messages in flight have to be redelivered. Those that are not in `again` were acked. */
  allAgain(positions: Iterable<bigint>, again: Attempts): void {
    for (const position of positions) {
      const attempts = again.get(position);
      if (attempts === undefined) this.finish(position);
      else this.again(position, attempts);
    }
  }

  /** Messages in flight are in the hands of the same instance under another epoch. */
  hand(position: bigint, to: Receiver): void {
    const flight = this.#land(position);
    if (flight) this.#fly(flight.work, to);
  }

  /** The message is acked, wherever it is. */
  finish(position: bigint): void {
    this.#land(position);
    this.#stopWaiting(position);
  }

  isInFlightTo(position: bigint, instanceId: string): boolean {
    return this.#flights.get(position)?.to.instanceId === instanceId;
  }

  isInFlight(position: bigint): boolean {
    return this.#flights.has(position);
  }

  /** What is in flight to an instance, under one epoch or any, with the attempts that this makes. */
  flightsTo({ instanceId, epoch }: Pick<Receiver, 'instanceId'> & Partial<Receiver>): Map<bigint, number> {
    const found = new Map<bigint, number>();
    for (const [position, { to, work }] of this.#flights) {
      const isTo = to.instanceId === instanceId && (epoch === undefined || to.epoch === epoch);
      if (isTo) found.set(position, work.attempts);
    }
    return found;
  }

  /** All to whom something is in flight. */
  receivers(): Receiver[] {
    const found = new Map<string, Receiver>();
    for (const { to } of this.#flights.values()) found.set(`${to.instanceId} ${to.epoch}`, to);
    return [...found.values()];
  }

  #fly(work: Work, to: Receiver): void {
    this.#flights.set(work.position, { work, to });
    const { instanceId } = to;
    this.#inFlightTo.set(instanceId, this.inFlightTo(instanceId) + 1);
    const hold = this.#holds.get(work.key) ?? { instanceId, messages: 0 };
    hold.messages += 1;
    this.#holds.set(work.key, hold);
  }

  #land(position: bigint): Flight | undefined {
    const flight = this.#flights.get(position);
    if (!flight) return undefined;
    this.#flights.delete(position);
    const { instanceId } = flight.to;
    const left = this.inFlightTo(instanceId) - 1;
    if (left > 0) this.#inFlightTo.set(instanceId, left);
    else this.#inFlightTo.delete(instanceId);
    const hold = this.#holds.get(flight.work.key);
    if (hold) hold.messages -= 1;
    if (hold?.messages === 0) this.#holds.delete(flight.work.key);
    return flight;
  }

  #stopWaiting(position: bigint): void {
    const key = this.#waitingKeys.get(position);
    if (key === undefined) return;
    this.#waitingKeys.delete(position);
    const left = (this.#waiting.get(key) ?? []).filter((work) => work.position !== position);
    if (left.length > 0) this.#waiting.set(key, left);
    else this.#waiting.delete(key);
  }
}
