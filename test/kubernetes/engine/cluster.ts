import { rmSync } from 'node:fs';
import path from 'node:path';
import { buildDir } from '../../compose/engine/build-dir.ts';
import { logged } from '../../compose/engine/compose-project.ts';
import { engine } from './engine.ts';
import { Journal } from './journal.ts';
import type { Manifests, StatefulSet } from './manifests.ts';
import { Pod } from './pod.ts';
import { type Answer, Prober, type Question } from './prober.ts';

/**
 * Plays manifests with a Docker Engine, by what Kubernetes documents of pods, sidecar containers and StatefulSets:
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
 * Of a service it plays the name alone, which leads to its pods whether they are ready or not.
 */
export class Cluster {
  readonly journal = new Journal();
  readonly #name: string;
  readonly #manifests: Manifests;
  readonly #images: Readonly<Record<string, string>>;
  readonly #dir: string;
  readonly #prober = new Prober();
  readonly #pods = new Map<string, Pod>();
  #started = 0;

  private constructor(name: string, manifests: Manifests, images: Readonly<Record<string, string>>) {
    this.#name = `kubernetes-${name}`;
    this.#manifests = manifests;
    this.#images = images;
    this.#dir = path.join(buildDir, this.#name);
  }

  /** Starts everything, all sets at once as after `kubectl apply`, and waits until all pods are ready. */
  static async apply(name: string, manifests: Manifests, images: Readonly<Record<string, string>>): Promise<Cluster> {
    const cluster = new Cluster(name, manifests, images);
    rmSync(cluster.#dir, { recursive: true, force: true });
    await engine('network', 'create', cluster.#name);
    await Promise.all(manifests.sets.map((set) => cluster.scale(set.name, set.replicas)));
    return cluster;
  }

  pod(name: string): Pod {
    const pod = this.#pods.get(name);
    if (pod === undefined) throw new Error(`there is no pod ${name}`);
    return pod;
  }

  /** Adds pods in the order of their numbers, each once the one before is ready, or deletes the highest first. */
  async scale(setName: string, replicas: number): Promise<void> {
    const set = this.#set(setName);
    for (let number = 0; number < replicas; number += 1)
      if (!this.#pods.has(`${setName}-${number}`)) await this.#startPod(set, `${setName}-${number}`);
    const over = [...this.#pods.keys()].filter(
      (name) => name.startsWith(`${setName}-`) && Number(name.slice(setName.length + 1)) >= replicas,
    );
    for (const name of over.sort().toReversed()) {
      await this.pod(name).delete();
      this.#pods.delete(name);
    }
  }

  /** Deletes a pod; its set makes it again, under its name and with its claims, and it is ready. */
  async replace(name: string): Promise<void> {
    await this.pod(name).delete();
    await this.#startPod(this.#set(name.replace(/-\d+$/, '')), name);
  }

  /** `kubectl apply` of other files in a ConfigMap or Secret, for example `configMap meridian-bus`. */
  change(source: string, files: Readonly<Record<string, string>>): void {
    for (const pod of this.#pods.values()) pod.change(source, files);
  }

  /** Waits for a line of the newest container of that name. */
  logged(podName: string, containerName: string, pattern: RegExp): Promise<RegExpExecArray> {
    return logged(this.pod(podName).container(containerName).name, pattern);
  }

  /** `kubectl exec`, as far as it is one command. */
  exec(podName: string, containerName: string, ...command: string[]): Promise<string> {
    return engine('exec', this.pod(podName).container(containerName).name, ...command);
  }

  ask(question: Question): Promise<Answer> {
    return this.#prober.ask(question);
  }

  /** Kills whatever is left, and removes it. */
  async end(): Promise<void> {
    for (const pod of this.#pods.values()) pod.abandon();
    const mine = await engine('ps', '--all', '--quiet', '--filter', `name=^${this.#name}-`);
    if (mine !== '') await engine('rm', '--force', ...mine.split('\n'));
    await engine('network', 'rm', this.#name);
    await this.#prober.end();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #set(name: string): StatefulSet {
    const set = this.#manifests.sets.find((each) => each.name === name);
    if (set === undefined) throw new Error(`there is no StatefulSet ${name}`);
    return set;
  }

  async #startPod(set: StatefulSet, name: string): Promise<void> {
    const { journal } = this;
    const from = journal.entries.length;
    this.#started += 1;
    const prefix = `${this.#name}-${name}-${this.#started}`;
    const pod = new Pod({
      name,
      set,
      manifests: this.#manifests,
      prefix,
      images: this.#images,
      network: this.#name,
      dir: path.join(this.#dir, prefix),
      claimsDir: path.join(this.#dir, 'claims'),
      prober: this.#prober,
      journal,
    });
    this.#pods.set(name, pod);
    await pod.start();
    await journal.seen(`${name} is ready`, from);
  }
}
