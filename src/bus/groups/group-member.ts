import type { Feed, StoredUnder } from '../session/feed.ts';
import type { FedMessage, FeedOptions } from '../session/subscription-feed.ts';
import type { Attempts, FailedDelivery } from '../store/deliveries.ts';
import type { StoredMessage, SubscriptionWriter } from '../store/store.ts';

export interface MemberOptions extends Omit<FeedOptions, 'store' | 'tail' | 'owner'> {
  readonly writer: SubscriptionWriter;
  /** The messages of one key may go to several members at a time. */
  readonly isUnordered: boolean;
}

/** The group of a member. */
export interface GroupOfMember {
  expect(member: GroupMember): void;
  join(member: GroupMember): Promise<void>;
  leave(member: GroupMember): void;
  acknowledged(instanceId: string, positions: readonly bigint[]): void;
  nacked(instanceId: string, failed: readonly FailedDelivery[], again: Attempts): void;
  /** A member may take more. */
  changed(): void;
}

/** One session's part in a group. The group decides what it gets. */
export class GroupMember implements Feed {
  readonly options: MemberOptions;
  readonly #group: GroupOfMember;
  readonly #credit: { messages: number; bytes: number };
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;
  /** The deliveries that wait for capacity, in their order. */
  #sending: Promise<void> | undefined;
  #isWaiting = false;

  constructor(options: MemberOptions, group: GroupOfMember) {
    this.options = options;
    this.#group = group;
    this.#credit = { ...options.credit };
    // It may fail while it joins.
    this.#closed.promise.catch(() => {});
    group.expect(this);
  }

  get storedUnder(): StoredUnder {
    return { writer: this.options.writer, name: this.options.spec.name };
  }

  get instanceId(): string {
    return this.options.writer.instanceId;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async run(): Promise<void> {
    await this.#group.join(this);
    await this.#closed.promise;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#group.leave(this);
    this.#closed.resolve();
  }

  /** Ends it because of an error, which `run` rejects with. */
  fail(error: unknown): void {
    this.#closed.reject(error);
    this.close();
  }

  addCredit(more: { readonly messages: number; readonly bytes: number }): void {
    this.#credit.messages += more.messages;
    this.#credit.bytes += more.bytes;
    this.#group.changed();
  }

  acknowledged(positions: readonly bigint[]): void {
    this.#group.acknowledged(this.instanceId, positions);
  }

  nacked(failed: readonly FailedDelivery[], again: Attempts): void {
    this.#group.nacked(this.instanceId, failed, again);
  }

  /** The group records it. */
  progress(): undefined {
    return undefined;
  }

  recorded(): void {}

  /** Whether it has credit, and capacity on its session. The group is told when it has capacity again. */
  isReady(): boolean {
    if (this.#isClosed || this.#credit.messages <= 0 || this.#credit.bytes <= 0) return false;
    const room = this.#sending ?? this.options.room();
    if (!room) return true;
    if (!this.#isWaiting) void this.#whenRoom(room);
    return false;
  }

  takeCredit({ envelope }: StoredMessage): void {
    this.#credit.messages -= 1;
    this.#credit.bytes -= envelope.bytes.length;
  }

  giveCreditBack({ envelope }: StoredMessage): void {
    this.#credit.messages += 1;
    this.#credit.bytes += envelope.bytes.length;
  }

  send(fed: FedMessage): void {
    const sending = this.#sending ? this.#sending.then(() => this.options.deliver(fed)) : this.options.deliver(fed);
    if (!sending) return;
    this.#sending = sending;
    void sending.then(() => {
      if (this.#sending === sending) this.#sending = undefined;
    });
  }

  async #whenRoom(room: Promise<void>): Promise<void> {
    this.#isWaiting = true;
    await room;
    this.#isWaiting = false;
    this.#group.changed();
  }
}
