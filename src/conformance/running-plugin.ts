/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | undefined;
  /** Name of the signal that ended it. */
  readonly signal: string | undefined;
}

/** A running plugin, which leads its own process group. */
export interface RunningPlugin {
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends a signal to the whole group; does nothing when the group has ended. */
  signalGroup(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
}

/**
 * Starts the plugin's command with these variables added to its environment; the entry file provides it. Rejects when the
 * command cannot be started.
 */
export type StartPlugin = (start: {
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}) => Promise<RunningPlugin>;
