import { type Action, type Grant, isAllowed } from './grants.ts';

/** The most topics that are remembered. They take some 100 kB if each has the longest name. */
const rememberedMax = 256;

/** Remembers the topics that the grants of one instance allow. Most plugins use few topics, each of them often. */
export class AllowedTopics {
  readonly #action: Action;
  readonly #allowed = new Set<string>();
  #grants: readonly Grant[] = [];

  constructor(action: Action) {
    this.#action = action;
  }

  /** The same answer as `isAllowed`. Another list than in the call before replaces the grants: a list must not be changed. */
  isAllowed(grants: readonly Grant[], topic: string): boolean {
    if (grants !== this.#grants) this.#allowed.clear();
    this.#grants = grants;
    if (this.#allowed.has(topic)) return true;
    if (!isAllowed(grants, this.#action, topic)) return false;
    if (this.#allowed.size >= rememberedMax) this.#allowed.clear();
    this.#allowed.add(topic);
    return true;
  }
}
