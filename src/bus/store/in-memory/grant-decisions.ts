import { rowBytes, textBytes } from '../retention.ts';
import type { GrantDecision } from '../store.ts';

/** What administrators decided, one for each grant, the latest last. */
export class GrantDecisions {
  readonly #decisions = new Map<string, GrantDecision>();
  #bytes = 0;

  /** What all decisions take. */
  get bytes(): number {
    return this.#bytes;
  }

  record(decision: GrantDecision): void {
    const key = `${decision.instanceId} ${decision.action} ${decision.pattern}`;
    const earlier = this.#decisions.get(key);
    if (earlier) this.#bytes -= sizeOf(earlier);
    // Taken out first, so that the latest is the last.
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
