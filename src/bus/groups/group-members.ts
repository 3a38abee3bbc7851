import type { Receiver } from '../store/deliveries.ts';
import type { GroupMember } from './group-member.ts';
import type { GroupWork } from './group-work.ts';

/** The members of a group, and which of them may get a message. */
export class GroupMembers {
  readonly #work: GroupWork;
  /** Those that have joined, by instance id. */
  readonly #joined = new Map<string, GroupMember>();
  /** Also those that are about to join. */
  readonly #expected = new Set<GroupMember>();

  constructor(work: GroupWork) {
    this.#work = work;
  }

  /** How many there are or will be. */
  get size(): number {
    return this.#expected.size;
  }

  /** One that has joined, to write for all. */
  get first(): GroupMember | undefined {
    const [first] = this.#joined.values();
    return first;
  }

  all(): GroupMember[] {
    return [...this.#expected];
  }

  expect(member: GroupMember): void {
    this.#expected.add(member);
  }

  join(member: GroupMember): void {
    this.#joined.set(member.instanceId, member);
  }

  leave(member: GroupMember): void {
    this.#expected.delete(member);
    if (this.has(member)) this.#joined.delete(member.instanceId);
  }

  /** It gets a message, so that among equals it is the last for the next one. */
  took(member: GroupMember): void {
    this.#joined.delete(member.instanceId);
    this.#joined.set(member.instanceId, member);
  }

  has(member: GroupMember): boolean {
    return this.#joined.get(member.instanceId) === member;
  }

  isReceiver({ instanceId, epoch }: Receiver): boolean {
    return this.#joined.get(instanceId)?.options.writer.epoch === epoch;
  }

  /** The member that may get a message of the key now. */
  receiverOf(key: string): GroupMember | undefined {
    const holder = this.#work.holderOf(key);
    if (holder === undefined) return this.leastBusy();
    const member = this.#joined.get(holder);
    return member?.isReady() ? member : undefined;
  }

  /** Of the members that may get a message now, the one with the fewest in flight. */
  leastBusy(): GroupMember | undefined {
    let found: GroupMember | undefined;
    let least = Infinity;
    for (const member of this.#joined.values()) {
      const inFlight = this.#work.inFlightTo(member.instanceId);
      if (inFlight >= least || !member.isReady()) continue;
      found = member;
      least = inFlight;
    }
    return found;
  }
}
