import { aborted } from '../base/async/aborted.ts';
import { within } from '../base/async/within.ts';
import type { Scheduler } from '../base/time/scheduler.ts';
import type { ProcessStart, ProcessStream, RunningProcess, SpawnProcess } from './process-spawner.ts';

export type DevPart = 'bus' | 'sidecar' | 'plugin';

type Start = Omit<ProcessStart, 'onLine'>;

/** A bus whose port another program may take before it does. */
export interface DevBus {
  /** To be tried in this order, until one has its port. */
  readonly starts: readonly Start[];
  /** Whether the lines so far say that it listens. */
  readonly isListening: () => boolean;
  /** Whether a line says that it could not, because of its port. */
  readonly isPortTaken: (line: string) => boolean;
}

export interface DevRunOptions {
  readonly bus?: DevBus | undefined;
  /** Once the bus listens. */
  readonly sidecar: () => Start;
  /** Once the sidecar is ready. */
  readonly plugin: () => Start;
  /** Resolves when the sidecar accepts its plugin, or when the signal aborts. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  /** Resolves with the name of a file that changed. Absent: the plugin is not watched. */
  readonly changed?: ((signal: AbortSignal) => Promise<string>) | undefined;
  readonly spawn: SpawnProcess;
  readonly scheduler: Scheduler;
  /** From SIGTERM to SIGKILL. */
  readonly killDelayMs: number;
  /** Aborts when everything is to stop, with the exit code if the plugin was not started. */
  readonly stop: AbortSignal;
  /** Aborts when everything is to be killed. */
  readonly hurry: AbortSignal;
  readonly onLine: (line: string, part: DevPart, stream: ProcessStream) => void;
  /** One line of this program itself. */
  readonly tell: (text: string) => void;
}

/** A process that ended although the others need it. */
interface Loss {
  readonly part: DevPart;
  readonly code: number;
}

interface Change {
  readonly change: string;
}

type Event = Loss | Change | 'stop';

/**
 * Runs a plugin beside a sidecar, and a bus if one is given: starts bus and sidecar, then the plugin once the sidecar is ready. When the plugin
 * ends, or `stop` aborts, plugin and sidecar get SIGTERM together, as on a platform, and the bus after both. Returns the exit code of the
 * plugin, or of the process whose end ended the rest.
 * @throws the system's error if a process cannot be started
 */
export async function devRun(options: DevRunOptions): Promise<number> {
  const run = new DevRun(options);
  try {
    return await run.untilEnd();
  } finally {
    await run.stopAll();
  }
}

class DevRun {
  readonly #options: DevRunOptions;
  readonly #over = new AbortController();
  readonly #losses: Promise<Loss>[] = [];
  #bus: RunningProcess | undefined;
  #sidecar: RunningProcess | undefined;
  #plugin: RunningProcess | undefined;
  #nextChange: Promise<Change> | undefined;

  constructor(options: DevRunOptions) {
    this.#options = options;
  }

  async untilEnd(): Promise<number> {
    const { bus, sidecar, ready, tell } = this.#options;
    const failed = bus && (await this.#startBus(bus));
    if (failed) return this.#endedBy(failed);
    this.#sidecar = this.#start('sidecar', sidecar());
    this.#losses.push(lossOf('sidecar', this.#sidecar));
    const early = await this.#first([ready(this.#over.signal).then(() => 'ready' as const)]);
    if (early !== 'ready') return this.#endedBy(early);
    tell('the sidecar is ready');
    for (;;) {
      const plugin = this.#start('plugin', this.#options.plugin());
      this.#plugin = plugin;
      const event: Event = await this.#first<Loss | Change>([lossOf('plugin', plugin), ...this.#change()]);
      if (isChange(event)) tell(`${event.change} changed; the plugin starts again`);
      else if (isLoss(event) && event.part === 'plugin' && this.#options.changed) {
        tell(`the plugin ended with code ${event.code}; it starts again when a file changes`);
        const next: Event = await this.#first(this.#change());
        if (!isChange(next)) return this.#endedBy(next);
      } else return this.#endedBy(event);
      await this.#end([plugin]);
    }
  }

  async stopAll(): Promise<void> {
    this.#over.abort();
    await this.#end([this.#plugin, this.#sidecar]);
    await this.#end([this.#bus]);
  }

  /** The exit code when this ends the run. */
  async #endedBy(event: Event): Promise<number> {
    if (event === 'stop') {
      await this.stopAll();
      return (await this.#plugin?.exited) ?? Number(this.#options.stop.reason);
    }
    if (!isLoss(event) || event.part === 'plugin') return isLoss(event) ? event.code : 0;
    this.#options.tell(
      `the ${event.part} ended with code ${event.code}, and nothing works without it; see its lines above`,
    );
    return event.code || 1;
  }

  /** Whatever happens first, beside the end of bus or sidecar and the wish to stop. */
  #first<T>(others: readonly Promise<T>[]): Promise<T | Loss | 'stop'> {
    const stop = aborted(this.#options.stop).then(() => 'stop' as const);
    return Promise.race([stop, ...this.#losses, ...others]);
  }

  #change(): Promise<Change>[] {
    const { changed } = this.#options;
    if (!changed) return [];
    // What an earlier wait was for may still come, and would be lost to a second one.
    this.#nextChange ??= changed(this.#over.signal).then((change) => {
      this.#nextChange = undefined;
      return { change };
    });
    return [this.#nextChange];
  }

  /** Undefined once it listens. */
  async #startBus({ starts, isListening, isPortTaken }: DevBus): Promise<Loss | 'stop' | undefined> {
    const { spawn, onLine } = this.#options;
    for (const [index, start] of starts.entries()) {
      const isLast = index === starts.length - 1;
      const listening = Promise.withResolvers<'listening'>();
      let isTaken = false;
      const running = spawn({
        ...start,
        onLine(line, stream) {
          isTaken ||= !isLast && isPortTaken(line);
          if (!isTaken) onLine(line, 'bus', stream);
          if (isListening()) listening.resolve('listening');
        },
      });
      this.#bus = running;
      const loss = lossOf('bus', running);
      const first = await this.#first<'listening' | Loss>([listening.promise, loss]);
      if (first === 'listening') this.#losses.push(loss);
      if (first === 'listening') return undefined;
      if (first === 'stop' || !isTaken) return first;
    }
    return undefined;
  }

  #start(part: DevPart, start: Start): RunningProcess {
    const { spawn, onLine } = this.#options;
    return spawn({ ...start, onLine: (line, stream) => onLine(line, part, stream) });
  }

  /** Sends SIGTERM, and SIGKILL to what is left of their groups. */
  async #end(processes: readonly (RunningProcess | undefined)[]): Promise<void> {
    const { scheduler, killDelayMs, hurry } = this.#options;
    const running = processes.filter((each) => each !== undefined);
    for (const each of running) each.terminate();
    const all = Promise.allSettled(running.map(({ exited }) => exited));
    await within(scheduler, killDelayMs, all, hurry);
    for (const each of running) each.killGroup();
    await within(scheduler, outputTimeoutMs, Promise.allSettled(running.map(({ closed }) => closed)));
  }
}

/** The longest wait for output that a stray descendant still holds open after SIGKILL. */
const outputTimeoutMs = 1_000;

async function lossOf(part: DevPart, { exited }: RunningProcess): Promise<Loss> {
  return { part, code: await exited };
}

const isLoss = (event: Event): event is Loss => typeof event === 'object' && 'part' in event;
const isChange = (event: Event): event is Change => typeof event === 'object' && 'change' in event;
