export interface UserFacingErrorOptions {
  /** Stable and documented: `part/subject/problem`, such as `supply/args/count`. */
  readonly id: string;
  /** One line that states a fact and contains the offending value. */
  readonly found: string;
  /** The expected value, or what follows from the fact. */
  readonly expected?: string;
  /** Imperative actions for this reader. */
  readonly next: readonly string[];
  /** The process exit code if this error ends a process. Absent: 1. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** An error for a person: what was found, what was expected, what to do next, and a stable id. */
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
 * Several errors found in one pass, reported together so that one round of corrections is enough.
 * The exit code is that of the first error.
 */
export class ErrorList extends Error {
  override readonly name = 'ErrorList';
  readonly errors: readonly UserFacingError[];

  constructor(errors: readonly UserFacingError[]) {
    super(errors.map((fault) => fault.message).join('; '));
    this.errors = errors;
  }
}

/** The exit code for anything caught. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UserFacingError) return error.exitCode;
  if (error instanceof ErrorList) return error.errors[0]?.exitCode ?? 1;
  return 1;
}

/**
 * Renders anything caught as text for a person: the cause chain first, the remedy last.
 * Only a bug of our own shows its stack.
 */
export function renderError(error: unknown): string {
  if (error instanceof ErrorList) return error.errors.map(renderError).join('\n\n');
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

/** The message of anything caught, without a stack, for one log line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error ?? '') || noReason;
  // Node tries every address of a host. The error that collects the failures has no message of its own:
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
