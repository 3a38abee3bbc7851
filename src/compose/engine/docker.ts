import { UserFacingError } from '../../base/user-facing-error.ts';

/** What one call of the `docker` command came to. */
export interface DockerOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DockerCallOptions {
  /** Hears each line of both outputs while the call runs. */
  readonly onLine?: (line: string) => void;
  /** Ends the call. */
  readonly signal?: AbortSignal;
  /** Added to the environment of the call. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs `docker ARGS`, whatever it comes to. */
export type CallDocker = (args: readonly string[], options?: DockerCallOptions) => Promise<DockerOutcome>;

/** The engine, through the `docker` command. */
export interface Docker {
  /** Runs `docker ARGS`, whatever it comes to. */
  readonly call: CallDocker;
  /** Runs `docker ARGS`. @returns what it printed, trimmed. @throws UserFacingError `compose/docker/refused`. */
  readonly run: (args: readonly string[], options?: DockerCallOptions) => Promise<string>;
}

/** Makes a Docker of whatever calls the command. */
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

/** The error for a call that must not fail. */
export function dockerRefused(args: readonly string[], { exitCode, stderr }: DockerOutcome): UserFacingError {
  const lines = stderr.trim().split('\n');
  // Behind the engine's own words the command sums up that it failed.
  const reason = (lines.find((line) => line.includes('response from daemon: ')) ?? lines.at(-1) ?? '').trim();
  return new UserFacingError({
    id: 'compose/docker/refused',
    found: `\`docker ${args.slice(0, args[0] === 'network' ? 2 : 1).join(' ')}\` ended with ${exitCode}: ${reason === '' ? 'it said nothing' : reason}`,
    next: ['Correct what the engine names, and try again.'],
  });
}
