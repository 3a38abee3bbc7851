import { AllowedTopics } from '../../contract/wire/topics/allowed-topics.ts';
import type { Grant, WithheldGrant } from '../../contract/wire/topics/grants.ts';
import type { EvaluatedGrant, Standing } from './access-decision.ts';

/** The requested grants of one registration with their status. The object stays the same for the life of its epoch. */
export class InstanceAccess {
  requested: readonly Grant[] = [];
  #judged: readonly EvaluatedGrant[] = [];
  #granted: readonly Grant[] = [];
  readonly #publishTopics = new AllowedTopics('publish');

  /** All requested grants, each with its status. */
  get judged(): readonly EvaluatedGrant[] {
    return this.#judged;
  }

  get granted(): readonly Grant[] {
    return this.#granted;
  }

  /** Whether the instance may publish on the topic, which may be malformed. */
  allowsPublish(topic: string): boolean {
    return this.#publishTopics.isAllowed(this.#granted, topic);
  }

  get withheld(): readonly WithheldGrant[] {
    return this.withheldAs('undecided', 'denied', 'revoked');
  }

  withheldAs(...standings: readonly Standing[]): WithheldGrant[] {
    return this.#judged
      .filter(({ standing }) => standings.includes(standing))
      .map(({ pattern, action, why }) => ({ pattern, action, reason: why }));
  }

  /** Returns whether the status of any grant changed. */
  set(judged: readonly EvaluatedGrant[]): boolean {
    const before = this.#judged;
    const isChange = judged.length !== before.length || judged.some((grant, index) => !isSame(grant, before[index]));
    this.#judged = judged;
    this.#granted = judged
      .filter(({ standing }) => standing === 'granted')
      .map(({ pattern, action }) => ({ pattern, action }));
    return isChange;
  }
}

function isSame({ pattern, action, standing, why }: EvaluatedGrant, other: EvaluatedGrant | undefined): boolean {
  return pattern === other?.pattern && action === other.action && standing === other.standing && why === other.why;
}
