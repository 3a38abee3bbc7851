export type Outcome = 'passed' | 'failed' | 'not applicable';

/** The result of one test, with the observation that led to it. */
export interface ScenarioResult {
  readonly outcome: Outcome;
  /** One line for the author of the plugin. */
  readonly seen: string;
}

export function passed(seen: string): ScenarioResult {
  return { outcome: 'passed', seen };
}

export function failed(seen: string): ScenarioResult {
  return { outcome: 'failed', seen };
}

export function notApplicable(seen: string): ScenarioResult {
  return { outcome: 'not applicable', seen };
}
