import type { Feed } from '../session/feed.ts';
import type { LogTail } from '../session/log-tail.ts';
import type { Receiver } from '../store/deliveries.ts';
import type { Store, SubscriptionKey } from '../store/store.ts';
import { keeperOf, subscriptionText } from '../store/subscription-key.ts';
import { Group } from './group.ts';
import { GroupMember, type MemberOptions } from './group-member.ts';

export interface GroupsOptions {
  readonly store: Store;
  readonly tail: LogTail;
}

interface Found {
  readonly group: Group;
  readonly pattern: string;
  readonly isUnordered: boolean;
}

/** The groups that have members on this bus. */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #groups = new Map<string, Found>();

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** A new member, or why it cannot be one. */
  memberOf(options: MemberOptions): { readonly member: Feed } | { readonly refusal: string } {
    const { spec, writer, isUnordered } = options;
    const { name, pattern } = spec;
    const key = subscriptionText({ instanceId: keeperOf(writer), name });
    let found = this.#groups.get(key);
    if (!found || found.group.size === 0) {
      found = { group: new Group({ ...this.#options, name, pattern, isUnordered }), pattern, isUnordered };
      this.#groups.set(key, found);
    }
    const others = `the other members of the group "${name}"`;
    if (found.pattern !== pattern) {
      return { refusal: `${others} have the pattern ${found.pattern}, and this one ${pattern}; give the same` };
    }
    if (found.isUnordered !== isUnordered) {
      return {
        refusal: `${others} have unordered=${found.isUnordered}, and this one unordered=${isUnordered}; give the same`,
      };
    }
    return { member: new GroupMember(options, found.group) };
  }

  /** Whether it has a member. */
  isUsed(key: SubscriptionKey): boolean {
    return (this.#find(key)?.size ?? 0) > 0;
  }

  /** The store has requeued what was in flight to an instance. */
  requeued(key: SubscriptionKey, instanceId: string, failed: readonly bigint[]): void {
    this.#find(key)?.requeued(instanceId, failed);
  }

  /** Gives to other members what is in flight to sidecars that will not come back. */
  async takeFromGone(isGone: (receiver: Receiver) => boolean): Promise<void> {
    for (const [key, { group }] of this.#groups) if (group.size === 0) this.#groups.delete(key);
    await Promise.all([...this.#groups.values()].map(({ group }) => group.takeFromGone(isGone)));
  }

  #find(key: SubscriptionKey): Group | undefined {
    return this.#groups.get(subscriptionText(key))?.group;
  }
}
