import { UserFacingError } from '../../base/user-facing-error.ts';

/** The outcome of one call of the `docker` command. */
export interface DockerOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DockerCallOptions {
  /** Called with each line of both outputs while the call runs. */
  readonly onLine?: (line: string) => void;
  /** Aborting it ends the docker call. */
  readonly signal?: AbortSignal;
  /** Added to the environment of the call. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs `docker ARGS`; a failure is an outcome, not an error. */
export type CallDocker = (args: readonly string[], options?: DockerCallOptions) => Promise<DockerOutcome>;

/** The engine, through the `docker` command. */
export interface Docker {
  /** Runs `docker ARGS`; a failure is an outcome, not an error. */
  readonly call: CallDocker;
  /** Runs `docker ARGS`. @returns what it printed, trimmed. @throws UserFacingError `compose/docker/refused`. */
  readonly run: (args: readonly string[], options?: DockerCallOptions) => Promise<string>;
}

export function dockerThrough(call: CallDocker): Docker {
  return {
    call,
    async run(args, options) {
      const outcome = await call(args, options);
      if (outcome.exitCode === 0) return outcome.stdout.trim();
      throw dockerRefused(args, outcome);
    },
  };
}

/** The error for a failed call that had to succeed. */
export function dockerRefused(args: readonly string[], { exitCode, stderr }: DockerOutcome): UserFacingError {
  const lines = stderr.trim().split('\n');
  // After the engine's own message the command adds a summary.
  const reason = (lines.find((line) => line.includes('response from daemon: ')) ?? lines.at(-1) ?? '').trim();
  return new UserFacingError({
    id: 'compose/docker/refused',
    found: `\`docker ${args.slice(0, args[0] === 'network' ? 2 : 1).join(' ')}\` ended with ${exitCode}: ${reason === '' ? 'it said nothing' : reason}`,
    next: ['Correct what the engine names, and try again.'],
  });
}
