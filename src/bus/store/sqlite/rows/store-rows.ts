import { checkKeyShare, fullStore, keySize, type RetentionOptions } from '../../retention.ts';
import type { Owner } from '../../store.ts';
import { amongSubscriptions, keeperOf } from '../../subscription-key.ts';
import type { AppendedRow, CommandArgs, CommandResult, EncodedMessage, StoreCommands } from '../store-commands.ts';
import { DeduplicationRows } from './deduplication-rows.ts';
import { GrantDecisionRows } from './grant-decision-rows.ts';
import { MessageRows } from './message-rows.ts';
import { OwnershipRows } from './ownership-rows.ts';
import { StateRows } from './state-rows.ts';
import type { Statements } from './statements.ts';
import { SubscriptionRows } from './subscription-rows.ts';

export interface StoreRowsOptions {
  readonly sql: Statements;
  readonly retention: RetentionOptions;
  readonly dedupWindowMs: number;
}

/** The store's operations on its tables. Each may throw after it has written: the caller undoes its writes. */
export class StoreRows implements StoreCommands {
  readonly #ownership: OwnershipRows;
  readonly #messages: MessageRows;
  readonly #deduplication: DeduplicationRows;
  readonly #subscriptions: SubscriptionRows;
  readonly #states: StateRows;
  readonly #decisions: GrantDecisionRows;
  readonly #retention: RetentionOptions;

  constructor({ sql, retention, dedupWindowMs }: StoreRowsOptions) {
    this.#ownership = new OwnershipRows(sql);
    this.#messages = new MessageRows(sql, retention);
    this.#deduplication = new DeduplicationRows(sql, dedupWindowMs);
    this.#subscriptions = new SubscriptionRows(sql);
    this.#states = new StateRows(sql, retention);
    this.#decisions = new GrantDecisionRows(sql);
    this.#retention = retention;
  }

  reserve({ instanceId, start, wallTimeMs }: CommandArgs<'reserve'>): bigint {
    return this.#ownership.reserve(instanceId, start, wallTimeMs);
  }

  forgetReservations(): void {
    this.#ownership.forgetReservations();
  }

  ownerOf({ instanceId }: CommandArgs<'ownerOf'>): CommandResult<'ownerOf'> {
    return this.#ownership.ownerOf(instanceId);
  }

  activate({ owner }: CommandArgs<'activate'>): CommandResult<'activate'> {
    const draining = this.#ownership.activate(owner);
    this.#deduplication.forgetEndedEpochs(owner.instanceId);
    return { draining };
  }

  fence({ owner }: CommandArgs<'fence'>): void {
    this.#ownership.fence(owner);
    this.#deduplication.forgetEndedEpochs(owner.instanceId);
  }

  mayWrite({ owner }: CommandArgs<'mayWrite'>): boolean {
    return this.#ownership.mayWrite(owner);
  }

  append({ owner, messages, wallTimeMs }: CommandArgs<'append'>): readonly AppendedRow[] {
    const bytesToCome = messages
      .filter((message) => this.#deduplication.storedEarlier(owner, message) === undefined)
      .reduce((sum, { envelope }) => sum + envelope.length, 0);
    this.#makeRoom(bytesToCome);
    this.#checkKeys(owner, messages, wallTimeMs);
    const appended = messages.map((message) => this.#appendOne(owner, message, wallTimeMs));
    const settledBelow = messages.at(-1)?.settledBelow ?? 0n;
    this.#deduplication.forgetSettled(owner, settledBelow);
    return appended;
  }

  read({ after, limit }: CommandArgs<'read'>): CommandResult<'read'> {
    return this.#messages.after(after, limit);
  }

  readMatching({ pattern, after, limit }: CommandArgs<'readMatching'>): CommandResult<'readMatching'> {
    return this.#messages.matching(pattern, after, limit);
  }

  get({ position }: CommandArgs<'get'>): CommandResult<'get'> {
    return this.#messages.get(position);
  }

  openSubscription({ owner, spec }: CommandArgs<'openSubscription'>): CommandResult<'openSubscription'> {
    return this.#subscriptions.open(owner, spec, () =>
      spec.start.kind === 'new' ? this.#messages.lastPosition : this.#messages.positionBefore(spec.start.fromNs),
    );
  }

  recordDelivery({ owner, name, delivery }: CommandArgs<'recordDelivery'>): CommandResult<'recordDelivery'> {
    return this.#subscriptions.recordDelivery(owner, name, delivery);
  }

  takeFromMembers({ owner, name, members }: CommandArgs<'takeFromMembers'>): CommandResult<'takeFromMembers'> {
    return this.#subscriptions.takeFromMembers({ instanceId: keeperOf(owner), name }, members);
  }

  unacknowledged(key: CommandArgs<'unacknowledged'>): number {
    return this.#subscriptions.unacknowledged(key);
  }

  recordProgress({ owner, names, cursor }: CommandArgs<'recordProgress'>): void {
    this.#subscriptions.recordProgress(owner.instanceId, names, cursor);
  }

  acknowledge({ owner, acknowledged }: CommandArgs<'acknowledge'>): void {
    this.#subscriptions.acknowledge(keeperOf(owner), acknowledged);
  }

  requeue({ owner, name, failed }: CommandArgs<'requeue'>): void {
    this.#subscriptions.requeue(owner, name, failed);
  }

  nack({ owner, name, failed }: CommandArgs<'nack'>): CommandResult<'nack'> {
    return this.#subscriptions.nack(owner, name, failed);
  }

  deadLetter({ owner, name, position, letter }: CommandArgs<'deadLetter'>): bigint | undefined {
    const instanceId = keeperOf(owner);
    if (!this.#subscriptions.isPending({ instanceId, name }, position)) return undefined;
    this.#makeRoom(letter.envelope.length);
    const appended = this.#messages.append(letter);
    this.#subscriptions.acknowledge(instanceId, { name, positions: [position] });
    return appended;
  }

  subscriptions(page: CommandArgs<'subscriptions'>): CommandResult<'subscriptions'> {
    return this.#subscriptions.page(page);
  }

  dropSubscriptions({ keys }: CommandArgs<'dropSubscriptions'>): number {
    this.#messages.trimSoon();
    return keys.filter((key) => this.#subscriptions.drop(key)).length;
  }

  backlogs(options: CommandArgs<'backlogs'>): CommandResult<'backlogs'> {
    return amongSubscriptions(this.#subscriptions.held(this.#messages.lastPosition), options.of)
      .map(({ instanceId, name, from }) => ({ instanceId, name, ...this.#messages.sizeFrom(from, options) }))
      .filter(({ messages }) => messages > 0);
  }

  stopRetainingFor({ keys }: CommandArgs<'stopRetainingFor'>): void {
    this.#subscriptions.stopRetainingFor(keys);
  }

  loadState({ instanceId }: CommandArgs<'loadState'>): CommandResult<'loadState'> {
    return this.#states.load(instanceId);
  }

  saveState({ owner, acknowledge, ...change }: CommandArgs<'saveState'>): bigint {
    const revision = this.#states.save(owner, change);
    for (const { scope = owner.instanceId, ...acknowledged } of acknowledge) {
      this.#subscriptions.acknowledge(scope, acknowledged);
    }
    return revision;
  }

  forgetState({ instanceId }: CommandArgs<'forgetState'>): boolean {
    return this.#states.forget(instanceId);
  }

  usage(): CommandResult<'usage'> {
    return { ...this.#messages.usage(), limitBytes: this.#retention.bytes };
  }

  recordDecisions({ decisions }: CommandArgs<'recordDecisions'>): void {
    for (const decision of decisions) this.#decisions.record(decision);
  }

  decisions(): CommandResult<'decisions'> {
    return this.#decisions.all();
  }

  /** The check before every command that has an owner and is not about ownership itself. @throws StaleEpochError */
  check(owner: Owner): void {
    this.#ownership.check(owner);
  }

  /** Trims the log. It is not a command, but ends every group of them. */
  trim(bytesToCome = 0): void {
    this.#messages.trim(() => this.#subscriptions.neededFrom(), bytesToCome);
  }

  /** @throws StoreFullError */
  #makeRoom(bytesToCome: number): void {
    if (!this.#messages.fits(bytesToCome)) this.trim(bytesToCome);
    if (this.#messages.fits(bytesToCome)) return;
    throw fullStore(this.#retention, this.#messages.otherBytes);
  }

  /** @throws StoreFullError if the instance's dedup keys would exceed its share */
  #checkKeys(owner: Owner, messages: readonly EncodedMessage[], wallTimeMs: bigint): void {
    const isNew = (message: EncodedMessage): boolean =>
      message.dedupKey !== '' &&
      this.#deduplication.storedEarlier(owner, message) === undefined &&
      this.#deduplication.sameKey(owner, message, wallTimeMs) === undefined;
    const keys = messages.filter(isNew);
    if (keys.length === 0) return;
    this.#deduplication.dropExpired(wallTimeMs);
    const toCome = keys.reduce((sum, key) => sum + keySize(owner, key), 0);
    checkKeyShare(this.#retention, { kept: this.#deduplication.keyBytes(owner), toCome });
  }

  #appendOne(owner: Owner, message: EncodedMessage, wallTimeMs: bigint): AppendedRow {
    const repeated = this.#deduplication.storedEarlier(owner, message);
    if (repeated !== undefined) {
      return { messageId: repeated, duplicate: repeated !== message.messageId, position: undefined };
    }
    const sameKey = this.#deduplication.sameKey(owner, message, wallTimeMs);
    const messageId = sameKey ?? message.messageId;
    this.#deduplication.remember(owner, message, { messageId, wallTimeMs });
    const position = sameKey === undefined ? this.#messages.append(message) : undefined;
    return { messageId, duplicate: sameKey !== undefined, position };
  }
}
