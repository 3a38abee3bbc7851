import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerPlace, flagsOf } from './container-flags.ts';
import { engine } from './engine.ts';
import type { Journal } from './journal.ts';
import type { ContainerSpec, Probe } from './manifests.ts';
import { runProbe } from './probe-loop.ts';
import type { Prober } from './prober.ts';

export interface Sandbox {
  /** The container whose network the pod's share, and its address. */
  readonly container: string;
  readonly host: string;
}

export interface ContainerOptions {
  readonly spec: ContainerSpec;
  readonly place: ContainerPlace;
  readonly sandbox: Sandbox;
  /** Of this pod alone, also among pods of its name. */
  readonly prefix: string;
  readonly image: string;
  readonly prober: Prober;
  readonly journal: Journal;
  readonly onReadiness: () => void;
}

interface Run {
  readonly name: string;
  readonly exited: Promise<number>;
  readonly probes: AbortController;
}

// The second restart waits so long, each further one twice as long.
const backOffMs = 10_000;
const backOffMsMax = 300_000;

/** A container of a pod, which starts again when it ends until the pod is deleted: the pods of a StatefulSet always restart. */
export class PlayedContainer {
  isReady = false;
  restarts = 0;
  readonly #options: ContainerOptions;
  readonly #label: string;
  #run: Run | undefined;
  #isTerminating = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.#label = `${options.place.podName}/${options.spec.name}`;
  }

  /** What the engine calls the newest one. */
  get name(): string {
    if (this.#run === undefined) throw new Error(`${this.#label} was never started`);
    return this.#run.name;
  }

  /** Resolves once it has passed its startup probe, or runs when it has none. */
  async start(): Promise<void> {
    const { journal } = this.#options;
    const from = journal.entries.length;
    await this.#launch();
    await journal.seen(`${this.#label} started`, from);
  }

  /** The pod's termination begins: it is not started again, and asked nothing but whether it is ready. */
  beginTermination(): void {
    this.#isTerminating = true;
  }

  /** SIGTERM, and SIGKILL when that much time is over; returns the exit code. */
  async terminate(graceMs: number): Promise<number> {
    const { journal } = this.#options;
    journal.add(`${this.#label} gets SIGTERM`);
    await engine('stop', '--time', `${Math.max(2, Math.ceil(graceMs / 1_000))}`, this.name);
    return (await this.#run?.exited) ?? 0;
  }

  async #launch(): Promise<void> {
    const { spec, place, sandbox, prefix, image, journal } = this.#options;
    const name = `${prefix}-${spec.name}-${this.restarts}`;
    const flags = ['--detach', '--name', name, '--network', `container:${sandbox.container}`, ...flagsOf(spec, place)];
    await engine('run', ...flags, image, ...(spec.args ?? []));
    journal.add(`${this.#label} runs`);
    const run = { name, exited: engine('wait', name).then(Number), probes: new AbortController() };
    this.#run = run;
    run.exited.then((exitCode) => this.#onExit(run, exitCode)).catch((error) => journal.fail(error));
    this.#probeStart(run);
  }

  #probeStart(run: Run): void {
    const { startupProbe } = this.#options.spec;
    const startup = new AbortController();
    run.probes.signal.addEventListener('abort', () => startup.abort());
    if (startupProbe === undefined) {
      this.#onStarted(run);
      return;
    }
    this.#probe(startupProbe, startup.signal, (isGood) => {
      startup.abort();
      if (isGood) this.#onStarted(run);
      else this.#kill(run, 'startup', startupProbe);
    });
  }

  #onStarted(run: Run): void {
    const { spec, journal } = this.#options;
    journal.add(`${this.#label} started`);
    const { livenessProbe, readinessProbe } = spec;
    const liveness = new AbortController();
    run.probes.signal.addEventListener('abort', () => liveness.abort());
    if (livenessProbe)
      this.#probe(livenessProbe, liveness.signal, (isGood) => {
        if (isGood || this.#isTerminating) return;
        liveness.abort();
        this.#kill(run, 'liveness', livenessProbe);
      });
    if (readinessProbe) this.#probe(readinessProbe, run.probes.signal, (isGood) => this.#setReady(isGood));
    else this.#setReady(true);
  }

  #probe(probe: Probe, signal: AbortSignal, onVerdict: (isGood: boolean) => void): void {
    const { spec, sandbox, prober, journal } = this.#options;
    runProbe({ probe, container: spec, host: sandbox.host, prober, signal, onVerdict }).catch((error) =>
      journal.fail(error as Error),
    );
  }

  #kill(run: Run, which: string, { terminationGracePeriodSeconds }: Probe): void {
    const { place, journal } = this.#options;
    journal.add(`${this.#label} fails its ${which} probe`);
    const seconds = terminationGracePeriodSeconds ?? place.pod.terminationGracePeriodSeconds;
    engine('stop', '--time', `${seconds}`, run.name).catch((error) => journal.fail(error as Error));
  }

  async #onExit(run: Run, exitCode: number): Promise<void> {
    run.probes.abort();
    this.#options.journal.add(`${this.#label} ended with ${exitCode}`);
    this.#setReady(false);
    if (this.#isTerminating) return;
    if (this.restarts > 0) await sleep(Math.min(backOffMs * 2 ** (this.restarts - 1), backOffMsMax));
    if (this.#isTerminating) return;
    this.restarts += 1;
    await this.#launch();
  }

  #setReady(isReady: boolean): void {
    if (this.isReady === isReady) return;
    this.isReady = isReady;
    this.#options.onReadiness();
  }
}
