import type { Log } from '../../base/log/log.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';
import {
  type AccessDecision,
  decideAccess,
  type EvaluatedGrant,
  type InstanceClaim,
  overlaps,
} from '../access/access-decision.ts';
import { InstanceAccess } from '../access/instance-access.ts';
import type { Policy } from '../access/policy.ts';
import type { Registration, Registry } from '../ownership/registration.ts';
import type { GrantDecision, Store } from '../store/store.ts';

export interface GrantDeskOptions {
  readonly policy: Policy;
  /** The stored decisions. */
  readonly decisions: readonly GrantDecision[];
  readonly store: Store;
  readonly registry: Registry;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** The grants and verdict of an administrator's decision. */
export interface Decidable {
  readonly instanceId: string;
  readonly grants: readonly Grant[];
}

/** Evaluates grants by the policy and the administrators' decisions. A change of either reaches every live registration. */
export class GrantDesk {
  readonly #options: GrantDeskOptions;
  #policy: Policy;
  #decisions: readonly GrantDecision[];

  constructor(options: GrantDeskOptions) {
    this.#options = options;
    this.#policy = options.policy;
    this.#decisions = options.decisions;
  }

  get policy(): Policy {
    return this.#policy;
  }

  /** Every decision in force, the latest last. */
  get decisions(): readonly GrantDecision[] {
    return this.#decisions;
  }

  /** The newest registration of an instance id. */
  registrationOf(instanceId: string): Registration | undefined {
    return this.#options.registry.latestOf(instanceId);
  }

  /** The instance ids that are registered, in order. */
  registeredIds(): string[] {
    return [...new Set(this.#options.registry.all().map(({ owner }) => owner.instanceId))].sort();
  }

  evaluate(claim: InstanceClaim, requested: readonly Grant[]): AccessDecision {
    return decideAccess(this.#policy, claim, requested, this.#decisions);
  }

  /** The access of a registration. A registration of the same epoch keeps its object, so an open session sees changes. */
  accessFor(claim: InstanceClaim, requested: readonly Grant[], earlier: Registration | undefined): InstanceAccess {
    const access = earlier?.access ?? new InstanceAccess();
    access.requested = requested;
    const isChange = access.set(this.evaluate(claim, requested).grants);
    if (isChange) earlier?.session?.grantsChanged('the instance registered again');
    return access;
  }

  /** Evaluates every live registration by a new policy. */
  replacePolicy(policy: Policy): void {
    this.#policy = policy;
    for (const registration of this.#options.registry.all()) this.#settle(registration, 'the policy changed');
  }

  /** Stores the verdict, then applies it. Returns the affected grants of the instance. */
  async decide(
    verdict: GrantDecision['verdict'],
    { instanceId, grants }: Decidable,
    by: string,
  ): Promise<readonly EvaluatedGrant[]> {
    const { store, registry, scheduler, log } = this.#options;
    const decidedAtNs = scheduler.wallTimeNs();
    const decisions = grants.map(({ pattern, action }) => ({ instanceId, pattern, action, verdict, by, decidedAtNs }));
    await store.recordDecisions(decisions);
    for (const decision of decisions) {
      this.#decisions = [...this.#decisions.filter((each) => !isOnSameGrant(each, decision)), decision];
      log.info(`grant ${verdict}`, { instance: instanceId, action: decision.action, pattern: decision.pattern, by });
    }
    const what = decisions.map(({ action, pattern }) => `${action} ${pattern}`).join(', ');
    const ofInstance = registry.all().filter(({ owner }) => owner.instanceId === instanceId);
    for (const registration of ofInstance) this.#settle(registration, `${by} ${verdict} ${what}`);
    const judged = registry.latestOf(instanceId)?.access.judged ?? [];
    return judged.filter((grant) => decisions.some((decision) => overlaps(decision, grant)));
  }

  #settle(registration: Registration, cause: string): void {
    const { access, owner } = registration;
    const { grants } = this.evaluate({ ...registration, instanceId: owner.instanceId }, access.requested);
    if (!access.set(grants)) return;
    const granted = access.granted.length;
    this.#options.log.info('grants changed', { instance: owner.instanceId, epoch: owner.epoch, granted, cause });
    registration.session?.grantsChanged(cause);
  }
}

function isOnSameGrant(one: GrantDecision, other: GrantDecision): boolean {
  return one.instanceId === other.instanceId && one.action === other.action && one.pattern === other.pattern;
}
