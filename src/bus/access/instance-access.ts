import type { Grant, WithheldGrant } from '../../contract/wire/grants.ts';
import type { JudgedGrant, Standing } from './access-decision.ts';

/** What one registration asks for and what of it stands; the same object for as long as its epoch lives. */
export class InstanceAccess {
  requested: readonly Grant[] = [];
  #judged: readonly JudgedGrant[] = [];
  #granted: readonly Grant[] = [];

  /** All that was asked for, each with what stands of it. */
  get judged(): readonly JudgedGrant[] {
    return this.#judged;
  }

  get granted(): readonly Grant[] {
    return this.#granted;
  }

  get withheld(): readonly WithheldGrant[] {
    return this.withheldAs('undecided', 'denied', 'revoked');
  }

  withheldAs(...standings: readonly Standing[]): WithheldGrant[] {
    return this.#judged
      .filter(({ standing }) => standings.includes(standing))
      .map(({ pattern, action, why }) => ({ pattern, action, reason: why }));
  }

  /** Returns whether this changes anything. */
  set(judged: readonly JudgedGrant[]): boolean {
    const textOf = (grants: readonly JudgedGrant[]): string =>
      JSON.stringify(grants.map(({ pattern, action, standing, why }) => [pattern, action, standing, why]));
    const isChange = textOf(judged) !== textOf(this.#judged);
    this.#judged = judged;
    this.#granted = judged
      .filter(({ standing }) => standing === 'granted')
      .map(({ pattern, action }) => ({ pattern, action }));
    return isChange;
  }
}
