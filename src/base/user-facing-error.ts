export interface UserFacingErrorOptions {
  /** Stable and documented: `part/subject/fault`, such as `supply/args/count`. */
  readonly id: string;
  /** One line that states a fact with the offending value in it. */
  readonly found: string;
  /** What it should have been, or what follows from it. */
  readonly expected?: string;
  /** Imperative actions that this reader can take. */
  readonly next: readonly string[];
  /** The process exit code, where this error ends a process; 1 when absent. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** An error that a person reads: what was found, what was expected, what to do next, and a stable id. */
export class UserFacingError extends Error {
  override readonly name = 'UserFacingError';
  readonly id: string;
  readonly expected: string | undefined;
  readonly next: readonly string[];
  readonly exitCode: number;

  constructor(options: UserFacingErrorOptions) {
    super(options.found, options.cause === undefined ? undefined : { cause: options.cause });
    this.id = options.id;
    this.expected = options.expected;
    this.next = options.next;
    this.exitCode = options.exitCode ?? 1;
  }
}

/**
 * Several faults found in one pass, reported together so that one round of corrections is enough.
 * @throws never; the exit code is that of the first fault.
 */
export class FaultList extends Error {
  override readonly name = 'FaultList';
  readonly faults: readonly UserFacingError[];

  constructor(faults: readonly UserFacingError[]) {
    super(faults.map((fault) => fault.message).join('; '));
    this.faults = faults;
  }
}

/** The exit code that a process should end with for anything it caught. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UserFacingError) return error.exitCode;
  if (error instanceof FaultList) return error.faults[0]?.exitCode ?? 1;
  return 1;
}

/**
 * Renders anything caught as the text a person reads: the cause chain first, the remedy last.
 * Only an error that is our own bug shows its stack.
 */
export function renderError(error: unknown): string {
  if (error instanceof FaultList) return error.faults.map(renderError).join('\n\n');
  if (!(error instanceof UserFacingError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${stack}\nThis is a bug in the Meridian sidecar; please report it with the lines above.  [bug]`;
  }
  const causes = causeChain(error.cause).map((cause) => `caused by: ${cause}`);
  const body = error.expected === undefined ? [] : [error.expected];
  const next = error.next.map((action) => `- ${action}`);
  const lines = [error.message, ...causes, ...body, ...next];
  return `${lines.join('\n')}  [${error.id}]`;
}

/** The message of anything caught, without a stack, fit for one log line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error ?? '') || noReason;
  // Node tries every address of a host, and says nothing in the error that gathers what became of each:
  // https://nodejs.org/api/net.html#netconnectoptions-connectlistener
  if (error.message === '' && error instanceof AggregateError)
    return error.errors.map(messageOf).join('; ') || noReason;
  return error.message || ('code' in error ? String(error.code) : noReason);
}

const noReason = 'no reason is known';

function causeChain(cause: unknown): string[] {
  if (cause === undefined) return [];
  if (!(cause instanceof Error)) return [messageOf(cause)];
  return [messageOf(cause), ...causeChain(cause.cause)];
}
