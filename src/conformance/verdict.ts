export type Outcome = 'passed' | 'failed' | 'not applicable';

/** The result of one test, with the observation that led to it. */
export interface Verdict {
  readonly outcome: Outcome;
  /** One line for the author of the plugin. */
  readonly seen: string;
}

export function passed(seen: string): Verdict {
  return { outcome: 'passed', seen };
}

export function failed(seen: string): Verdict {
  return { outcome: 'failed', seen };
}

export function notApplicable(seen: string): Verdict {
  return { outcome: 'not applicable', seen };
}
