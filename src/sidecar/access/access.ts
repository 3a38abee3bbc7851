import { Gate } from '../../base/async/gate.ts';
import type { SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { AllowedTopics } from '../../contract/wire/topics/allowed-topics.ts';
import {
  type Action,
  admitsPattern,
  type Grant,
  notGranted,
  type WithheldGrant,
} from '../../contract/wire/topics/grants.ts';
import { grantsFromWire, withheldFromWire } from '../../contract/wire/topics/grants-on-wire.ts';
import { topicProblem } from '../../contract/wire/topics/topic.ts';
import type { SessionListener } from '../bus-link/session-listener.ts';

/** The bus's decision on what this instance may publish and subscribe to. Nothing is allowed until the bus has decided. */
export class Access implements SessionListener {
  #granted: readonly Grant[] | undefined;
  #denied: readonly WithheldGrant[] = [];
  #undecided: readonly WithheldGrant[] = [];
  readonly #decided = new Gate(false);
  readonly #publishTopics = new AllowedTopics('publish');

  get isLoaded(): boolean {
    return this.#granted !== undefined;
  }

  get granted(): readonly Grant[] {
    return this.#granted ?? [];
  }

  get denied(): readonly WithheldGrant[] {
    return this.#denied;
  }

  get undecided(): readonly WithheldGrant[] {
    return this.#undecided;
  }

  patterns(action: Action): string[] {
    return this.granted.filter((grant) => grant.action === action).map((grant) => grant.pattern);
  }

  /** Grants that were requested and not given. */
  get withheld(): readonly WithheldGrant[] {
    return [...this.#undecided, ...this.#denied];
  }

  /** The grant, with the bus's reason when it is withheld. */
  withReason(grant: Grant): Grant | WithheldGrant {
    const isSame = ({ action, pattern }: Grant): boolean => action === grant.action && pattern === grant.pattern;
    return this.withheld.find(isSame) ?? grant;
  }

  /** Resolves once the bus has evaluated every requested grant. */
  decided(): Promise<void> {
    return this.#decided.opened();
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case !== 'grants') return;
    this.#undecided = withheldFromWire(event.value.undecided);
    this.#denied = withheldFromWire(event.value.denied);
    if (this.#undecided.length > 0 && !this.isLoaded) return;
    this.#granted = grantsFromWire(event.value.granted);
    this.#decided.set(true);
  }

  /** Why a publish or a call on this topic is refused; undefined when it is allowed. */
  publishRefusal(topic: string): string | undefined {
    if (this.#publishTopics.isAllowed(this.granted, topic)) return undefined;
    const fault = topicProblem(topic);
    return fault === undefined ? this.#refusal('publish', topic) : `"${topic}" is not a topic: it ${fault}`;
  }

  /** Why the plugin may not subscribe to, or answer requests on, this pattern; undefined when one grant contains it. */
  subscribeRefusal(pattern: string): string | undefined {
    return admitsPattern(this.granted, 'subscribe', pattern) ? undefined : this.#refusal('subscribe', pattern);
  }

  #refusal(action: Action, what: string): string {
    if (!this.isLoaded) return 'access control is not loaded yet';
    return notGranted(this, action, what);
  }
}
