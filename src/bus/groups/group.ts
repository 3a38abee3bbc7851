import { Wakeup } from '../../base/async/wakeup.ts';
import { limits } from '../../contract/wire/limits.ts';
import { LogReader } from '../session/log-reader.ts';
import type { Follower, LogTail } from '../session/log-tail.ts';
import type { Attempts, FailedDelivery, Receiver } from '../store/deliveries.ts';
import { StaleEpochError, type Store, type StoredMessage, type SubscriptionProgress } from '../store/store.ts';
import type { GroupMember, GroupOfMember } from './group-member.ts';
import { GroupMembers } from './group-members.ts';
import { GroupWork, type Work } from './group-work.ts';
import { keyOf } from './message-key.ts';
import { PlannedDelivery } from './planned-delivery.ts';
import { takeOver } from './take-over.ts';

/** Messages per store operation, read or recorded as delivered. */
const batchMessages = 64;

export interface GroupOptions {
  readonly store: Store;
  readonly tail: LogTail;
  readonly name: string;
  readonly pattern: string;
  readonly isUnordered: boolean;
}

/**
 * Shares the messages of one subscription among its members: what waits first, in order for each key, then what is new. Deliveries are
 * recorded before they are sent, for all members in one write. A message that has to wait for the member that holds its key is recorded too,
 * so that the others go on.
 */
export class Group implements GroupOfMember, Follower {
  readonly #options: GroupOptions;
  readonly #work = new GroupWork();
  readonly #members = new GroupMembers(this.#work);
  /** Read from the log, and not recorded yet. */
  readonly #unrecorded = new Map<bigint, Work>();
  readonly #wakeup = new Wakeup();
  readonly #reader: LogReader;
  #recordedTo = 0n;
  #isBusy = false;
  #isRunning = false;
  /** Members join one after the other. */
  #joining: Promise<unknown> = Promise.resolve();
  #isLoaded = false;

  constructor(options: GroupOptions) {
    this.#options = options;
    const { store, tail, pattern } = options;
    this.#reader = new LogReader({ store, tail, pattern, onMore: () => this.#wakeup.notify() });
  }

  get size(): number {
    return this.#members.size;
  }

  expect(member: GroupMember): void {
    this.#members.expect(member);
  }

  join(member: GroupMember): Promise<void> {
    const joined = this.#joining.then(() => this.#join(member));
    this.#joining = joined.catch(() => {});
    return joined;
  }

  leave(member: GroupMember): void {
    this.#members.leave(member);
    // Members that come later are another group, which begins with what is stored.
    if (this.size === 0) {
      this.#options.tail.removeFollower(this);
      this.#reader.close();
    }
    this.#wakeup.notify();
  }

  changed(): void {
    this.#wakeup.notify();
  }

  acknowledged(instanceId: string, positions: readonly bigint[]): void {
    for (const position of positions) {
      // Its member has let it go, and another one has it now: that one holds the key until it has finished too.
      const isElsewhere = this.#work.isInFlight(position) && !this.#work.isInFlightTo(position, instanceId);
      if (!isElsewhere && !this.#unrecorded.has(position)) this.#work.finish(position);
    }
    this.#wakeup.notify();
  }

  nacked(instanceId: string, failed: readonly FailedDelivery[], again: Attempts): void {
    const own = failed.filter(({ position }) => this.#work.isInFlightTo(position, instanceId));
    const positions = own.map(({ position }) => position);
    this.#work.allAgain(positions, again);
    this.#wakeup.notify();
  }

  /** The store has requeued what was in flight to an instance. */
  requeued(instanceId: string, failed: readonly bigint[]): void {
    for (const [position, attempts] of this.#work.flightsTo({ instanceId })) {
      this.#work.again(position, failed.includes(position) ? attempts : attempts - 1);
    }
    this.#wakeup.notify();
  }

  /** Gives to others what is in flight to sidecars that will not come back. */
  async takeFromGone(isGone: (receiver: Receiver) => boolean): Promise<void> {
    const gone = this.#work.receivers().filter((receiver) => !this.#members.isReceiver(receiver) && isGone(receiver));
    const writer = this.#members.first;
    if (gone.length === 0 || !writer) return;
    const taken = this.#options.store.takeFromMembers(writer.options.writer, this.#options.name, gone);
    const again = await this.#unlessStale(writer, taken);
    if (!again) return;
    // One that has come back meanwhile has its messages under its new epoch.
    const positions = gone.flatMap((receiver) => [...this.#work.flightsTo(receiver).keys()]);
    this.#work.allAgain(positions, again);
    this.#wakeup.notify();
  }

  /** Records how far it has come while nothing matches. */
  async recordProgress(): Promise<void> {
    if (this.#isBusy || this.#unrecorded.size > 0 || !this.#isLoaded) return;
    // The store may stop retaining messages for members that take none.
    if (!this.#members.leastBusy()) this.#reader.fallBehind();
    const { doneTo } = this.#reader;
    const writer = this.#members.first;
    if (!writer || doneTo <= this.#recordedTo) return;
    const record = { positions: [], cursor: doneTo, to: [] };
    const { store, name } = this.#options;
    await this.#unlessStale(writer, store.recordDelivery(writer.options.writer, name, record));
    if (doneTo > this.#recordedTo) this.#recordedTo = doneTo;
  }

  async #join(member: GroupMember): Promise<void> {
    if (member.isClosed) return;
    const { writer, spec, onOpen } = member.options;
    const { store } = this.#options;
    const progress = await store.openSubscription(writer, spec);
    if (!this.#isLoaded) await this.#load(progress, member);
    else this.#rejoin(progress, member);
    if (member.isClosed) return;
    this.#members.join(member);
    onOpen();
    this.#wakeup.notify();
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#options.tail.addFollower(this);
    this.#run().catch((error: unknown) => {
      for (const each of this.#members.all()) each.fail(error);
    });
  }

  /** Takes over what earlier members left. */
  async #load(progress: SubscriptionProgress, member: GroupMember): Promise<void> {
    this.#reader.startAfter(progress.cursor);
    this.#recordedTo = progress.cursor;
    const dropped = await takeOver(this.#work, progress, {
      messageAt: (position) => this.#options.store.get(position),
      keyOf: (message) => this.#keyOf(message),
    });
    for (const position of dropped) await this.#skipMissing(position, member);
    this.#isLoaded = true;
  }

  /** What this member had and has no more is redelivered. */
  #rejoin({ pending, inFlight = new Map() }: SubscriptionProgress, { options, instanceId }: GroupMember): void {
    const { epoch } = options.writer;
    for (const position of this.#work.flightsTo({ instanceId }).keys()) {
      if (inFlight.has(position)) this.#work.hand(position, { instanceId, epoch });
      else this.#work.allAgain([position], pending);
    }
  }

  async #run(): Promise<void> {
    while (this.#members.first) {
      this.#isBusy = true;
      const again = await this.#planAgain();
      const { planned, missed, mayBeMore } =
        again.length > 0 ? { planned: again, missed: 0, mayBeMore: true } : await this.#planNew();
      if (planned.length + missed + this.#unrecorded.size > 0) await this.#deliver(planned, missed);
      this.#isBusy = false;
      if (!mayBeMore) await this.#wakeup.wait();
    }
    this.#isRunning = false;
  }

  /** What waits and has a receiver. */
  async #planAgain(): Promise<PlannedDelivery[]> {
    const works = this.#work.deliverable(batchMessages, (key) => this.#members.receiverOf(key) !== undefined);
    const messages = await Promise.all(works.map(({ position }) => this.#messageAt(position)));
    const planned: PlannedDelivery[] = [];
    for (const [index, work] of works.entries()) {
      const message = messages[index];
      const member = this.#work.isNext(work) ? this.#members.receiverOf(work.key) : undefined;
      if (!member) continue;
      if (!message) await this.#skipMissing(work.position, member);
      else if (await this.#isDeadLetter(work, message, member)) this.#finish(work.position);
      else if (member.isReady() && this.#work.isNext(work)) planned.push(this.#plan(work, message, member));
    }
    return planned;
  }

  async #planNew(): Promise<{ planned: PlannedDelivery[]; missed: number; mayBeMore: boolean }> {
    const most = Math.min(batchMessages, limits.unacknowledgedMessages - this.#work.size);
    const planned: PlannedDelivery[] = [];
    if (most <= 0 || !this.#members.leastBusy()) return { planned, missed: 0, mayBeMore: false };
    let isBlocked = false;
    const read = await this.#reader.read(most, (message) => {
      const key = this.#keyOf(message);
      const work = { position: message.position, key, attempts: 0, isRepeat: false };
      const member = this.#work.hasWaiting(key) ? undefined : this.#members.receiverOf(key);
      isBlocked = !member && !this.#members.leastBusy();
      if (isBlocked) return false;
      this.#unrecorded.set(message.position, work);
      if (member) planned.push(this.#plan(work, message, member));
      else this.#work.wait(work);
      return true;
    });
    return { planned, missed: read.missed, mayBeMore: read.mayBeMore && !isBlocked };
  }

  #plan(work: Work, message: StoredMessage, member: GroupMember): PlannedDelivery {
    this.#members.took(member);
    return new PlannedDelivery(this.#work, { work, message, member });
  }

  async #deliver(planned: readonly PlannedDelivery[], missed: number): Promise<void> {
    const writer = this.#members.first;
    if (!writer) return;
    // A member may have left while the message was read.
    const { true: sent = [], false: unsent = [] } = Object.groupBy(
      planned,
      ({ member }) => `${this.#members.has(member)}`,
    );
    for (const each of unsent) each.takeBack();
    const positions = sent.map(({ position }) => position);
    const kept = [...this.#unrecorded.keys()].filter((position) => !positions.includes(position));
    const { cursor } = this.#reader;
    const record = {
      positions: [...positions, ...kept],
      to: [...sent.map(({ member }) => member.options.writer), ...kept.map(() => undefined)],
      cursor,
    };
    const { store, name } = this.#options;
    const due = await this.#unlessStale(writer, store.recordDelivery(writer.options.writer, name, record));
    if (!due) {
      for (const each of sent) each.takeBack();
      return;
    }
    for (const position of record.positions) this.#unrecorded.delete(position);
    if (cursor > this.#recordedTo) this.#recordedTo = cursor;
    if (missed > 0) writer.options.onMissed(missed);
    const isDue = new Set(due);
    for (const each of sent) {
      if (isDue.has(each.position)) each.send();
      else each.drop();
    }
  }

  async #isDeadLetter(work: Work, message: StoredMessage, member: GroupMember): Promise<boolean> {
    const { attempts } = work;
    const put = member.options.deadLetterIfExhausted({ message, attempts });
    return (await this.#unlessStale(member, put)) ?? false;
  }

  /** The store has dropped the message: acks its position and reports it lost. */
  async #skipMissing(position: bigint, member: GroupMember): Promise<void> {
    const { writer, onMissed } = member.options;
    await this.#unlessStale(member, this.#options.store.acknowledge(writer, this.#options.name, [position]));
    this.#finish(position);
    onMissed(1);
  }

  /** Later messages of its key may be deliverable now. */
  #finish(position: bigint): void {
    this.#work.finish(position);
    this.#wakeup.notify();
  }

  #keyOf(message: StoredMessage): string {
    return this.#options.isUnordered ? `${message.position}` : keyOf(message);
  }

  async #messageAt(position: bigint): Promise<StoredMessage | undefined> {
    return this.#options.tail.get(position) ?? (await this.#options.store.get(position));
  }

  /** Undefined if the member's epoch may not write any more: the group goes on without it. */
  async #unlessStale<T>(member: GroupMember, write: Promise<T>): Promise<T | undefined> {
    try {
      return await write;
    } catch (error) {
      if (!(error instanceof StaleEpochError)) throw error;
      member.fail(error);
      return undefined;
    }
  }
}
