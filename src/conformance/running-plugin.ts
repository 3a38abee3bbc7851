/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | undefined;
  /** Name of the signal that ended it. */
  readonly signal: string | undefined;
}

/** A running plugin, at the head of a process group of its own. */
export interface RunningPlugin {
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends a signal to the whole group; nothing happens when nobody of it is left. */
  signalGroup(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
}

/**
 * Starts the plugin's command with these variables added to its environment; an adapter of the entry file's.
 * Rejects when it cannot be started.
 */
export type StartPlugin = (start: {
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}) => Promise<RunningPlugin>;
