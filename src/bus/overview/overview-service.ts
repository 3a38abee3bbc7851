import type { Log } from '../../base/log/log.ts';
import { version } from '../../base/version.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  CountTopicsReplySchema,
  ReadReplySchema,
  StatusReplySchema,
} from '../../contract/wire/gen/meridian/bus/v1/overview_pb.ts';
import { EnvelopeSchema } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { overviewMethods } from '../../contract/wire/methods.ts';
import { readMessage } from '../../contract/wire/read-message.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { type Route, serveUnary } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import type { RequireAdmin } from '../access/admin.ts';
import { isOpen } from '../access/open-policy.ts';
import type { Policy } from '../access/policy.ts';
import type { Registry } from '../ownership/registration.ts';
import type { Store, SubscriptionKey } from '../store/store.ts';
import { countTopics } from './count-topics.ts';

/** Each may have nearly a mebibyte, and an answer has all of them. */
const readAtOnce = 3;
const backlogsMax = 10;

export interface OverviewServiceOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly policy: () => Policy;
  readonly log: Log;
  readonly requireAdmin: RequireAdmin;
  readonly isUsed: (key: SubscriptionKey) => boolean;
  /** The monotonic clock. */
  readonly nowMs: () => number;
}

/** The RPCs by which administrators see how a deployment is doing, and what passes by. */
export function overviewRoutes(options: OverviewServiceOptions): Route[] {
  const { store, log, requireAdmin, nowMs } = options;
  const startedMs = nowMs();
  const looks = new Looks();
  return [
    serveUnary(overviewMethods.status, async (_, call) => {
      requireAdmin(call);
      return create(StatusReplySchema, {
        ...(await statusOf(options)),
        uptimeMs: BigInt(Math.round(nowMs() - startedMs)),
      });
    }),
    serveUnary(overviewMethods.countTopics, async ({ after, pattern }, call) => {
      requireAdmin(call);
      if (pattern !== '') checkPattern(pattern);
      return create(CountTopicsReplySchema, await countTopics(store, { after, pattern }));
    }),
    serveUnary(overviewMethods.read, async ({ pattern, after }, call) => {
      const by = requireAdmin(call);
      checkPattern(pattern);
      const { messages, cursor, isAtEnd } = await store.readMatching(pattern, after, readAtOnce);
      if (!looks.goesOn(`${by} ${pattern}`, after, cursor))
        log.info('an administrator reads messages', { pattern, by });
      const envelopes = messages.map(({ envelope }) => readMessage(EnvelopeSchema, envelope.bytes));
      return create(ReadReplySchema, { messages: envelopes, cursor, isAtEnd });
    }),
  ];
}

/** Who looks, so that a look is told once and not with each of its answers. */
class Looks {
  readonly #cursors = new Map<string, bigint>();

  /** Whether the look was told: it goes on where an answer ended. */
  goesOn(who: string, after: bigint, cursor: bigint): boolean {
    const isKnown = this.#cursors.get(who) === after;
    this.#cursors.delete(who);
    this.#cursors.set(who, cursor);
    for (const oldest of this.#cursors.keys()) {
      if (this.#cursors.size <= looksMax) break;
      this.#cursors.delete(oldest);
    }
    return isKnown;
  }
}

/** An older one is told again. */
const looksMax = 64;

async function statusOf({ store, registry, policy, isUsed }: OverviewServiceOptions) {
  const [usage, stored, backlogs] = await Promise.all([
    store.usage(),
    store.storedSubscriptions({}),
    store.backlogs({ countBytesAbove: Number.POSITIVE_INFINITY }),
  ]);
  const registered = registry.all();
  const largest = [...backlogs].sort((one, other) => other.messages - one.messages).slice(0, backlogsMax);
  return {
    version,
    deploymentId: policy().deploymentId,
    isOpen: isOpen(policy()),
    messages: BigInt(usage.messages),
    bytes: BigInt(usage.bytes),
    limitBytes: BigInt(usage.limitBytes),
    lastPosition: usage.lastPosition,
    registered: registered.length,
    connected: registered.filter(({ session }) => session !== undefined).length,
    draining: registered.filter(({ phase }) => phase === 'draining').length,
    undecidedGrants: registered.reduce((sum, { access }) => sum + access.withheldAs('undecided').length, 0),
    storedSubscriptions: BigInt(stored.length),
    backlogs: largest.map((each) => ({
      ...{ instanceId: each.instanceId, name: each.name, messages: BigInt(each.messages) },
      inUse: isUsed(each),
    })),
  };
}

function checkPattern(pattern: string): void {
  const problem = patternProblem(pattern);
  if (problem !== undefined) throw new RpcError('INVALID_ARGUMENT', problem);
}
