import type { Log } from '../../base/log/log.ts';
import { StartAt, type Subscribe, type SubscriptionPositions } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { scopeText } from '../groups/group-scope.ts';
import type { Groups } from '../groups/groups.ts';
import type { Registration } from '../ownership/registration.ts';
import type { Store, SubscriptionSpec } from '../store/store.ts';
import { keeperOf } from '../store/subscription-key.ts';
import type { BusTelemetry } from '../telemetry.ts';
import { DeadLetters } from './dead-letters.ts';
import type { StoredUnder } from './feed.ts';
import type { LogTail } from './log-tail.ts';
import { type FedMessage, type FeedOptions, SubscriptionFeed } from './subscription-feed.ts';

export interface FeedParts {
  readonly registration: Registration;
  readonly store: Store;
  readonly tail: LogTail;
  readonly groups: Groups;
  readonly log: Log;
  readonly telemetry: BusTelemetry;
  readonly wallTimeNs: () => bigint;
  readonly subscribed: (subscriptionId: number, group: string) => void;
  readonly missed: (subscriptionId: number, count: number) => void;
  /** Resolves when there is capacity for a delivery. Undefined if there is capacity now. */
  readonly room: () => Promise<void> | undefined;
}

interface FeedEvents {
  readonly send: (fed: FedMessage) => void;
  /** Called with the position of a message that went to the dead-letter topic. */
  readonly onPutAway: (position: bigint) => void;
}

/** What feeds a subscription: a feed of its own, or its part in a group, unless it cannot be in it. */
export function feedFor(subscribe: Subscribe, parts: FeedParts & FeedEvents): ReturnType<Groups['memberOf']> {
  const { registration, store, tail, groups } = parts;
  const { group, unordered } = subscribe;
  const options = feedOptions(subscribe, parts);
  const { owner } = registration;
  if (group === '') return { member: new SubscriptionFeed({ ...options, store, tail, owner }) };
  const { writer, name } = storedUnder(registration, subscribe);
  return groups.memberOf({ ...options, spec: { ...options.spec, name }, writer, isUnordered: unordered });
}

/** Where a subscription is stored, and by whom it is written. */
export function storedUnder(
  registration: Registration,
  { name, group }: Pick<Subscribe, 'name' | 'group'>,
): StoredUnder {
  const { owner } = registration;
  if (group === '') return { writer: owner, name };
  return { writer: { ...owner, scope: scopeText(registration) }, name: group };
}

/** The acks that are stored with a state. */
export function storedAcknowledgement(registration: Registration, { positions, ...of }: SubscriptionPositions) {
  const { writer, name } = storedUnder(registration, of);
  return { name, positions, scope: keeperOf(writer) };
}

function feedOptions(
  subscribe: Subscribe,
  parts: FeedParts & FeedEvents,
): Omit<FeedOptions, 'store' | 'tail' | 'owner'> {
  const { registration, log, subscribed, missed, room, send } = parts;
  const { subscriptionId, name, group } = subscribe;
  const deadLetters = new DeadLetters({
    ...parts,
    request: subscribe,
    storedUnder: storedUnder(registration, subscribe),
  });
  return {
    spec: { ...specOf(subscribe), storedMax: registration.quota.limits.stored_subscriptions },
    deadLetterIfExhausted: (failed) => deadLetters.deadLetterIfExhausted(failed),
    credit: { messages: subscribe.creditMessages, bytes: subscribe.creditBytes },
    room,
    deliver: (fed) => {
      const waiting = room();
      if (waiting) return waiting.then(() => send(fed));
      send(fed);
      return undefined;
    },
    onOpen: () => subscribed(subscriptionId, group),
    onMissed: (count) => {
      const about = { instance: registration.owner.instanceId, name, count };
      log.warn('a subscription missed messages that were no longer retained for it', about);
      missed(subscriptionId, count);
    },
  };
}

function specOf({ name, pattern, startAt, startTimeNs, idleExpiryS, inHand }: Subscribe): SubscriptionSpec {
  return {
    name,
    pattern,
    // Without a cursor nothing was acked, so starting after the last acked message means starting new.
    start: startAt === StartAt.TIME ? { kind: 'time', fromNs: startTimeNs } : { kind: 'new' },
    inHand,
    ...(idleExpiryS > 0 && { idleExpiryMs: idleExpiryS * 1_000 }),
  };
}
