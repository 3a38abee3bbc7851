import type { Log } from '../../base/log/log.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  DropSubscriptionReplySchema,
  ListSubscriptionsReplySchema,
  StoredSubscriptionSchema,
} from '../../contract/wire/gen/meridian/bus/v1/subscriptions_pb.ts';
import { subscriptionMethods } from '../../contract/wire/methods.ts';
import { type Route, serveUnary } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import type { RequireAdmin } from '../access/admin.ts';
import { type IdleExpiry, idleExpiryOf } from '../store/idle-expiry.ts';
import type { Store, SubscriptionKey } from '../store/store.ts';
import { subscriptionText } from '../store/subscription-key.ts';

/** Subscriptions in one answer, so that it fits into a message however long their names and patterns are. */
const pageSize = 512;

export interface SubscriptionServiceOptions {
  readonly store: Store;
  readonly log: Log;
  readonly requireAdmin: RequireAdmin;
  readonly idleExpiry: IdleExpiry;
  /** Whether a session has the subscription open. */
  readonly isUsed: (key: SubscriptionKey) => boolean;
}

/** The RPCs by which administrators look at the stored subscriptions and drop them. */
export function subscriptionRoutes(options: SubscriptionServiceOptions): Route[] {
  const { store, log, requireAdmin, idleExpiry, isUsed } = options;
  return [
    serveUnary(subscriptionMethods.list, async ({ instanceId, after }, call) => {
      requireAdmin(call);
      const found = await store.storedSubscriptions({
        ...(instanceId !== '' && { instanceId }),
        ...(after && { after }),
        limit: pageSize + 1,
      });
      const stored = found.slice(0, pageSize);
      const backlogs = await store.backlogs({ of: stored, countBytesAbove: Number.POSITIVE_INFINITY });
      const backlogOf = new Map(backlogs.map((each) => [subscriptionText(each), each.messages]));
      const page = stored.map((each) =>
        create(StoredSubscriptionSchema, {
          instanceId: each.instanceId,
          name: each.name,
          pattern: each.pattern,
          inUse: isUsed(each),
          unacknowledged: BigInt(each.unacknowledged),
          backlogMessages: BigInt(backlogOf.get(subscriptionText(each)) ?? 0),
          idleExpiryS: Math.round(idleExpiryOf(each.idleExpiryMs, idleExpiry) / 1_000),
        }),
      );
      return create(ListSubscriptionsReplySchema, { subscriptions: page, hasMore: found.length > page.length });
    }),
    serveUnary(subscriptionMethods.drop, async ({ instanceId, name }, call) => {
      const by = requireAdmin(call);
      if (isUsed({ instanceId, name })) {
        throw new RpcError('FAILED_PRECONDITION', `${instanceId} uses the subscription "${name}" now`);
      }
      if (!(await store.dropSubscription({ instanceId, name }))) {
        throw new RpcError('NOT_FOUND', `${instanceId} has no stored subscription "${name}"`);
      }
      log.warn('an administrator dropped a subscription', { instance: instanceId, subscription: name, by });
      return create(DropSubscriptionReplySchema);
    }),
  ];
}
