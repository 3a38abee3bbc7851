import { Gate } from '../base/gate.ts';
import type { SessionEvent } from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { type Action, admits, admitsPattern, type Grant, nearestGrant } from '../contract/wire/grants.ts';
import { grantsFromWire } from '../contract/wire/grants-on-wire.ts';
import { topicFault } from '../contract/wire/topic.ts';
import type { LinkPart } from './bus-link/bus-link.ts';

/** What this instance may publish and subscribe, as the bus decided. Closed until the bus has said so. */
export class Access implements LinkPart {
  #granted: readonly Grant[] | undefined;
  #denied: readonly Grant[] = [];
  #undecided: readonly Grant[] = [];
  readonly #decided = new Gate(false);

  get isLoaded(): boolean {
    return this.#granted !== undefined;
  }

  get granted(): readonly Grant[] {
    return this.#granted ?? [];
  }

  get denied(): readonly Grant[] {
    return this.#denied;
  }

  get undecided(): readonly Grant[] {
    return this.#undecided;
  }

  patterns(action: Action): string[] {
    return this.granted.filter((grant) => grant.action === action).map((grant) => grant.pattern);
  }

  /** Resolves once the bus has decided on every grant that was asked for. */
  decided(): Promise<void> {
    return this.#decided.opened();
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case !== 'grants') return;
    this.#undecided = grantsFromWire(event.value.undecided);
    this.#denied = grantsFromWire(event.value.denied);
    if (this.#undecided.length > 0 && !this.isLoaded) return;
    this.#granted = grantsFromWire(event.value.granted);
    this.#decided.set(true);
  }

  /** Why a publish on, or a call to, this topic is refused; undefined when it is allowed. */
  publishRefusal(topic: string): string | undefined {
    const fault = topicFault(topic);
    if (fault !== undefined) return `"${topic}" is no topic: ${fault}`;
    return admits(this.granted, 'publish', topic) ? undefined : this.#refusal('publish', topic);
  }

  /** Why this pattern may not be subscribed to or served; undefined when one grant contains it. */
  subscribeRefusal(pattern: string): string | undefined {
    return admitsPattern(this.granted, 'subscribe', pattern) ? undefined : this.#refusal('subscribe', pattern);
  }

  #refusal(action: Action, what: string): string {
    if (!this.isLoaded) return 'access control is not loaded yet';
    const nearest = nearestGrant(this.granted, action, what)?.pattern ?? this.patterns(action)[0];
    const hint = nearest === undefined ? `there is no ${action} grant at all` : `the nearest is ${nearest}`;
    return `no ${action} grant for ${what}; ${hint}`;
  }
}
