import type { Sidecar } from '../../src/local/staging-result.ts';
import { AppContainer, type ContainerStart, type LaunchedProcess } from './app-container.ts';

/** From SIGTERM to SIGKILL; the platform's operator cannot make it shorter. */
const killDelayMs = 10_000;

export interface InstanceStart extends ContainerStart {
  readonly command: string;
  readonly sidecars: readonly Sidecar[];
  /** `web` unless it says otherwise. */
  readonly processType?: string;
}

/** A process and its exit code. */
export type Ending = readonly [name: string, exitCode: number];

/**
 * One instance of an app as the platform runs it, by its own words: the process and its sidecars start together; when one
 * ends, whatever its exit code, or the instance is to stop, all get SIGTERM at once, and SIGKILL ten seconds later.
 */
export class AppInstance {
  readonly container: AppContainer;
  /** Resolves when nothing runs any more, with what ended in the order in which it did. */
  readonly ended: Promise<readonly Ending[]>;
  readonly #stopping = Promise.withResolvers<void>();

  private constructor(container: AppContainer, processes: readonly LaunchedProcess[]) {
    this.container = container;
    this.ended = this.#see(processes);
  }

  static async start(start: InstanceStart): Promise<AppInstance> {
    const container = await AppContainer.make(start);
    const { command, sidecars, processType = 'web', manifest } = start;
    const shared = sidecars.reduce((sum, { memory = 0 }) => sum + memory, 0);
    return new AppInstance(container, [
      container.launch(processType, command, manifest.memoryMb - shared, processType),
      ...sidecars.map(({ name, command: own, memory = manifest.memoryMb }) =>
        container.launch(name, own, memory, processType),
      ),
    ]);
  }

  /** Waits for a line of its output. @throws Error with everything it said when it ends first. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const tooEarly = this.ended.then((endings) => {
      const text = [...this.container.lines, `ended: ${JSON.stringify(endings)}`].join('\n');
      throw new Error(`the instance ended before ${pattern}:\n${text}`);
    });
    return await Promise.race([this.container.said.line(pattern), tooEarly]);
  }

  /** Stops it as the platform does, and removes its container. */
  async stop(): Promise<readonly Ending[]> {
    this.#stopping.resolve();
    return await this.ended;
  }

  async #see(processes: readonly LaunchedProcess[]): Promise<readonly Ending[]> {
    const endings: Ending[] = [];
    const all = processes.map(async ({ name, exited }) => {
      const exitCode = await exited;
      endings.push([name, exitCode]);
    });
    await Promise.race([...all, this.#stopping.promise]);
    const names = processes.map(({ name }) => name);
    await this.container.signal(names, 'TERM');
    const killing = setTimeout(() => void this.container.signal(names, 'KILL'), killDelayMs);
    await Promise.all(all);
    clearTimeout(killing);
    await this.container.remove();
    return endings;
  }
}
