import type { ContainerSpec, PodSpec } from './manifests.ts';

export interface ContainerPlace {
  readonly podName: string;
  readonly pod: PodSpec;
  readonly serviceVariables: Readonly<Record<string, string>>;
  /** The folders of this machine that are the pod's volumes. */
  readonly volumes: ReadonlyMap<string, string>;
}

/** What of a container's manifest the engine must know to make it so. @throws Error for what it cannot be told. */
export function flagsOf(container: ContainerSpec, place: ContainerPlace): string[] {
  const { runAsUser, runAsGroup, fsGroup } = place.pod.securityContext;
  if (runAsUser === 0) throw new Error(`${container.name} is root, which runAsNonRoot forbids`);
  const { requests, limits } = container.resources;
  const memory = `${bytesOf(limits.memory)}`;
  return [
    ...['--user', `${runAsUser}:${runAsGroup}`, '--group-add', `${fsGroup}`],
    // The engine's default profile of seccomp is what RuntimeDefault means.
    ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...['--memory', memory, '--memory-swap', memory, '--cpu-shares', `${cpuSharesOf(requests.cpu)}`],
    // Kubernetes does not know the check of an image.
    '--no-healthcheck',
    ...environmentOf(container, place).flatMap((variable) => ['--env', variable]),
    ...mountsOf(container, place.volumes).flatMap((mount) => ['--volume', mount]),
  ];
}

function environmentOf({ env = [] }: ContainerSpec, { podName, serviceVariables }: ContainerPlace): string[] {
  const own = env.map(({ name, value, valueFrom }) => {
    if (value?.includes('$(')) throw new Error(`${name} refers to another variable: ${value}`);
    // The one field that is known is the pod's name.
    return `${name}=${valueFrom ? podName : (value ?? '')}`;
  });
  return [...Object.entries(serviceVariables).map(([name, value]) => `${name}=${value}`), ...own];
}

function mountsOf({ name, volumeMounts = [] }: ContainerSpec, volumes: ContainerPlace['volumes']): string[] {
  return volumeMounts.map((mount) => {
    const dir = volumes.get(mount.name);
    if (dir === undefined) throw new Error(`${name} mounts a volume that the pod does not have: ${mount.name}`);
    return `${dir}:${mount.mountPath}${mount.readOnly ? ':ro' : ''}`;
  });
}

function bytesOf(quantity: string): number {
  const [, mebibytes] = /^(\d+)Mi$/.exec(quantity) ?? [];
  if (mebibytes === undefined) throw new Error(`a memory in Mi was expected, and this is ${quantity}`);
  return Number(mebibytes) * 1024 * 1024;
}

/** As the kubelet counts: 1024 for a whole processor. */
function cpuSharesOf(quantity: string): number {
  const [, thousandths] = /^(\d+)m$/.exec(quantity) ?? [];
  if (thousandths === undefined) throw new Error(`thousandths of a processor were expected, and this is ${quantity}`);
  return Math.floor((Number(thousandths) * 1024) / 1000);
}
