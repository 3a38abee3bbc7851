import path from 'node:path';
import { sidecarImage } from '../../compose/engine/images.ts';
import { engine } from './engine.ts';
import type { Journal } from './journal.ts';
import type { ContainerSpec, Manifests, StatefulSet } from './manifests.ts';
import { PlayedContainer, type Sandbox } from './played-container.ts';
import type { Prober } from './prober.ts';
import { configMapMode, makeFolder, writeFiles } from './volumes.ts';

export interface PodOptions {
  readonly name: string;
  readonly set: StatefulSet;
  readonly manifests: Manifests;
  /** Of the engine's containers; no other pod has it, whatever its name. */
  readonly prefix: string;
  /** The images of this engine, by the names that manifests have. */
  readonly images: Readonly<Record<string, string>>;
  readonly network: string;
  /** Where volumes are; those of claims outlive the pod. */
  readonly dir: string;
  readonly claimsDir: string;
  readonly prober: Prober;
  readonly journal: Journal;
}

/** One pod, from its start to its deletion, by the rules of the kubelet. */
export class Pod {
  readonly #options: PodOptions;
  #sidecars: PlayedContainer[] = [];
  #containers: PlayedContainer[] = [];
  readonly #byName = new Map<string, PlayedContainer>();
  #isReady = false;
  #sandbox: Sandbox | undefined;

  constructor(options: PodOptions) {
    this.#options = options;
  }

  container(name: string): PlayedContainer {
    const container = this.#byName.get(name);
    if (container === undefined) throw new Error(`${this.#options.name} has no container ${name}`);
    return container;
  }

  /** Its address. */
  get host(): string {
    if (this.#sandbox === undefined) throw new Error(`${this.#options.name} was never started`);
    return this.#sandbox.host;
  }

  /** Its sidecars one after the other, each once the one before has passed its startup probe; then its containers. */
  async start(): Promise<void> {
    const { set, name, network, prefix } = this.#options;
    const volumes = this.#makeVolumes();
    const container = `${prefix}-pause`;
    const names = set.services.flatMap((service) => ['--network-alias', service]);
    const flags = ['--detach', '--name', container, '--hostname', name, '--network', network, ...names];
    await engine('run', ...flags, '--no-healthcheck', '--entrypoint', 'sleep', sidecarImage, 'infinity');
    const address = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const sandbox = { container, host: await engine('inspect', '--format', address, container) };
    this.#sandbox = sandbox;
    const played = (spec: ContainerSpec): PlayedContainer => this.#played(spec, sandbox, volumes);
    this.#sidecars = (set.pod.initContainers ?? []).map(played);
    this.#containers = set.pod.containers.map(played);
    for (const sidecar of this.#sidecars) await sidecar.start();
    await Promise.all(this.#containers.map((each) => each.start()));
  }

  /** SIGTERM to its containers; when all have ended, to its sidecars, the last first; all within one grace period. */
  async delete(): Promise<void> {
    const { set, name, prefix, journal } = this.#options;
    const endsMs = Date.now() + set.pod.terminationGracePeriodSeconds * 1_000;
    this.abandon();
    await Promise.all(this.#containers.map((each) => each.terminate(endsMs - Date.now())));
    for (const sidecar of this.#sidecars.toReversed()) await sidecar.terminate(endsMs - Date.now());
    await engine('rm', '--force', `${prefix}-pause`);
    journal.add(`${name} is deleted`);
  }

  /** Starts nothing again of what is about to be removed. */
  abandon(): void {
    for (const each of this.#byName.values()) each.beginTermination();
  }

  /** Gives mounted files of that ConfigMap or Secret another text. */
  change(source: string, files: Readonly<Record<string, string>>): void {
    const { set } = this.#options;
    for (const volume of set.pod.volumes ?? []) if (sourceOf(volume) === source) this.#writeFiles(volume, files);
  }

  #played(spec: ContainerSpec, sandbox: Sandbox, volumes: ReadonlyMap<string, string>): PlayedContainer {
    const { set, name: podName, manifests, prefix, images, prober, journal } = this.#options;
    const image = images[spec.image];
    if (image === undefined) throw new Error(`no image stands for ${spec.image}`);
    const place = { podName, pod: set.pod, serviceVariables: manifests.serviceVariables, volumes };
    const onReadiness = (): void => this.#onReadiness();
    const played = new PlayedContainer({ spec, place, sandbox, prefix, image, prober, journal, onReadiness });
    this.#byName.set(spec.name, played);
    return played;
  }

  #makeVolumes(): ReadonlyMap<string, string> {
    const { set, name, claimsDir, manifests, dir } = this.#options;
    const { fsGroup } = set.pod.securityContext;
    const volumes = new Map<string, string>();
    for (const claim of set.claims) volumes.set(claim, path.join(claimsDir, `${claim}-${name}`));
    for (const folder of volumes.values()) makeFolder(folder, fsGroup);
    for (const volume of set.pod.volumes ?? []) {
      const files = manifests.data.get(sourceOf(volume));
      if (files === undefined) throw new Error(`${name} mounts what is not there: ${sourceOf(volume)}`);
      this.#writeFiles(volume, files);
      volumes.set(volume.name, path.join(dir, volume.name));
    }
    return volumes;
  }

  #writeFiles({ name, secret }: Volume, files: Readonly<Record<string, string>>): void {
    const { fsGroup } = this.#options.set.pod.securityContext;
    const mode = secret?.defaultMode ?? configMapMode;
    writeFiles({ dir: path.join(this.#options.dir, name), fsGroup, mode }, files);
  }

  #onReadiness(): void {
    const isReady = [...this.#byName.values()].every((each) => each.isReady);
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    this.#options.journal.add(`${this.#options.name} is ${isReady ? 'ready' : 'not ready'}`);
  }
}

type Volume = NonNullable<StatefulSet['pod']['volumes']>[number];

function sourceOf({ name, configMap, secret }: Volume): string {
  if (configMap) return `configMap ${configMap.name}`;
  if (secret) return `secret ${secret.secretName}`;
  throw new Error(`the volume ${name} has no source`);
}
