import { rowBytes, textBytes } from '../retention.ts';
import type { GrantDecision } from '../store.ts';

/** Administrators' decisions, one per grant, the latest last. */
export class GrantDecisions {
  readonly #decisions = new Map<string, GrantDecision>();
  #bytes = 0;

  /** The size of all decisions. */
  get bytes(): number {
    return this.#bytes;
  }

  record(decision: GrantDecision): void {
    const key = `${decision.instanceId} ${decision.action} ${decision.pattern}`;
    const earlier = this.#decisions.get(key);
    if (earlier) this.#bytes -= sizeOf(earlier);
    // Deletes the key first, so that the latest decision comes last.
    this.#decisions.delete(key);
    this.#decisions.set(key, decision);
    this.#bytes += sizeOf(decision);
  }

  all(): readonly GrantDecision[] {
    return [...this.#decisions.values()];
  }
}

function sizeOf({ instanceId, action, pattern, verdict, by }: GrantDecision): number {
  return textBytes(instanceId, action, pattern, verdict, by) + rowBytes.decision;
}
