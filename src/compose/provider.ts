import type { Log } from '../base/log/log.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import type { CheckPattern } from '../contract/config/settings/setting.ts';
import type { Docker } from './engine/docker.ts';
import type { ReadHostFile } from './invocation/host-files.ts';
import type { Protocol } from './invocation/protocol.ts';
import type { StateFiles } from './state/state-files.ts';

/** The resources of the provider's commands. */
export interface Provider {
  readonly docker: Docker;
  readonly state: StateFiles;
  readonly scheduler: Scheduler;
  readonly protocol: Protocol;
  readonly log: Log;
  readonly readFile: ReadHostFile;
  readonly checkPattern: CheckPattern;
  /** The next line that Compose writes to the provider's stdin; undefined if none comes. */
  readonly readLine: () => Promise<string | undefined>;
  /** The context of a build of the provider's image. */
  readonly contextDir: string;
  /** The value of DOCKER_DEFAULT_PLATFORM, which the engine's client uses. */
  readonly wantedPlatform?: string | undefined;
}

/** Writes a message to Compose and to the log. */
export function report({ protocol, log }: Pick<Provider, 'protocol' | 'log'>, text: string): void {
  log.info(text);
  protocol.info(text);
}
