/** The log of a staging, in the form that every Cloud Foundry buildpack uses. */
export interface StagingLog {
  step(text: string): void;
  detail(text: string): void;
  warning(text: string): void;
  error(text: string): void;
}

const indent = '       ';

export interface StagingLogOutputs {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

/** A log of `-----> step` lines with details indented under them; each of its lines ends with a line feed. */
export function createStagingLog(outputs: StagingLogOutputs): StagingLog {
  const indented = (text: string): string => `${text.replaceAll(/^(?=.)/gm, indent)}\n`;
  return {
    step: (text) => outputs.out(`-----> ${text}\n`),
    detail: (text) => outputs.out(indented(text)),
    warning: (text) => outputs.out(indented(`**WARNING** ${text}`)),
    error: (text) => outputs.error(indented(`**ERROR** ${text}`)),
  };
}
