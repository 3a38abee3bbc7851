import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { vcap } from '../engine/stack-image.ts';
import { AppContainer, type ContainerStart } from './app-container.ts';
import { AppInstance, type InstanceStart } from './app-instance.ts';
import { docker } from './engine-client.ts';
import { stagedCase } from './staged-cases.ts';
import type { CaseName } from './staging-cases.ts';

const root = path.resolve(import.meta.dirname, '../..');
const images = new Map<CaseName, Promise<string>>();

/** An image of the stack with the droplet of a case in it; made once. */
function dropletImage(name: CaseName): Promise<string> {
  const made = images.get(name) ?? stagedCase(name).then(({ dropletFile }) => packedDropletImage(dropletFile));
  images.set(name, made);
  return made;
}

/** An image of the stack with a droplet where the platform puts it, unpacked by the platform's user. */
export async function packedDropletImage(dropletFile: string): Promise<string> {
  const unpack = ['tar', '-xzpf', '/tmp/droplet.tgz', '-C', '/home/vcap', '--no-overwrite-dir'];
  const options = ['--user', vcap.name, '--network', 'none', '--volume', `${dropletFile}:/tmp/droplet.tgz:ro`];
  const container = await docker('create', ...options, inject('lifecycle').stackImage, ...unpack);
  await docker('start', '--attach', container);
  const image = await docker('commit', '--change', 'USER root', container);
  await docker('rm', '--volumes', container);
  return image;
}

/** What all instances of a droplet are started with. */
export async function startOf(name: CaseName): Promise<Omit<InstanceStart, 'network'>> {
  const { manifest, result } = await stagedCase(name);
  const sidecars = (result?.sidecars ?? []).filter(({ process_types }) => process_types.includes('web'));
  return { image: await dropletImage(name), manifest, command: result?.process_types['web'] ?? '', sidecars };
}

/** Starts an instance that is gone after the test, whatever became of it. */
export async function startInstance(start: InstanceStart): Promise<AppInstance> {
  const instance = await AppInstance.start(start);
  onTestFinished(() => instance.container.remove());
  return instance;
}

/** The container of an instance, in which a test starts processes one by one. */
export async function openContainer(start: ContainerStart): Promise<AppContainer> {
  const container = await AppContainer.make(start);
  onTestFinished(() => container.remove());
  return container;
}

/** A network of the platform that is gone after the test; nothing outside the engine can be reached from it. */
export async function openNetwork(): Promise<string> {
  const network = await docker('network', 'create', '--internal', `cells-${randomUUID()}`);
  onTestFinished(async () => {
    await docker('network', 'rm', network);
  });
  return network;
}

export interface RunningBus {
  readonly container: string;
  /** The directory of its files. */
  readonly filesDir: string;
}

/** Starts a Bus API as `bus-api:8443` in a network, with the policy of the demo unless another is given. */
export async function startBus(
  network: string,
  options: {
    readonly policy?: string;
    readonly files?: Readonly<Record<string, string>>;
    readonly flags?: readonly string[];
  } = {},
): Promise<RunningBus> {
  const dir = mkdtempSync(path.join(inject('lifecycle').scratchDir, 'bus-'));
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(path.join(dir, name), text);
  const policy = options.policy ?? path.join(root, 'fixtures/demo/policy.yml');
  const mounts = [
    `${process.execPath}:/opt/node:ro`,
    `${root}/dist:/opt/dist:ro`,
    `${policy}:/opt/policy.yml:ro`,
    `${dir}:/opt/files:ro`,
  ];
  const container = await docker(
    ...['run', '--detach', '--network', network, '--network-alias', 'bus-api'],
    ...mounts.flatMap((mount) => ['--volume', mount]),
    ...[inject('lifecycle').stackImage, '/opt/node', '/opt/dist/cli.mjs', 'bus'],
    ...['--policy', '/opt/policy.yml', '--store', 'memory', '--listen', '0.0.0.0:8443', ...(options.flags ?? [])],
  );
  onTestFinished(async () => {
    await docker('rm', '--force', container);
  });
  return { container, filesDir: dir };
}
