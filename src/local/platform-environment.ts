import { createHash } from 'node:crypto';
import type { AppManifest } from './app-manifest.ts';

export type Environment = Readonly<Record<string, string>>;

/** The environment of a buildpack's scripts, without the caller's own. The last source wins. */
export function stagingEnvironment(options: {
  readonly manifest: AppManifest;
  readonly homeDir: string;
  /** From the command line; it overrides the manifest. */
  readonly env: Environment;
}): Environment {
  const { manifest, homeDir, env } = options;
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: homeDir,
    USER: 'vcap',
    LANG: 'en_US.UTF-8',
    CF_STACK: 'cflinuxfs4',
    MEMORY_LIMIT: '1024m',
    VCAP_SERVICES: '{}',
    VCAP_APPLICATION: JSON.stringify(vcapApplication(manifest)),
    ...manifest.env,
    ...env,
  };
}

/** The environment of a process or sidecar of one instance, before any profile script. */
export function instanceEnvironment(options: {
  readonly manifest: AppManifest;
  readonly dropletDir: string;
  /** Of the app's process; its sidecars get the same value. */
  readonly processType: string;
  /** The process's own share: an app's memory less its sidecars', or a sidecar's limit. */
  readonly memoryMb: number;
  /** From the command line; it overrides the manifest. */
  readonly env: Environment;
}): Environment {
  const { manifest, dropletDir, processType, memoryMb, env } = options;
  const instanceGuid = guidOf(`instance of ${manifest.name}`);
  const port = env['PORT'] ?? '8080';
  const application = {
    ...vcapApplication(manifest),
    process_id: guidOf(`${processType} of ${manifest.name}`),
    process_type: processType,
    host: '0.0.0.0',
    port: Number(port),
    instance_id: instanceGuid,
    instance_index: 0,
  };
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    USER: 'vcap',
    LANG: 'en_US.UTF-8',
    CF_INSTANCE_ADDR: `127.0.0.1:${port}`,
    CF_INSTANCE_GUID: instanceGuid,
    CF_INSTANCE_INDEX: '0',
    CF_INSTANCE_IP: '127.0.0.1',
    CF_INSTANCE_INTERNAL_IP: '127.0.0.1',
    CF_INSTANCE_PORT: port,
    CF_INSTANCE_PORTS: JSON.stringify([{ external: Number(port), internal: Number(port) }]),
    INSTANCE_GUID: instanceGuid,
    INSTANCE_INDEX: '0',
    PORT: port,
    VCAP_APP_HOST: '0.0.0.0',
    VCAP_APP_PORT: port,
    VCAP_SERVICES: '{}',
    ...manifest.env,
    MEMORY_LIMIT: `${memoryMb}m`,
    VCAP_APPLICATION: JSON.stringify(application),
    ...env,
    HOME: `${dropletDir}/app`,
    TMPDIR: `${dropletDir}/tmp`,
    DEPS_DIR: `${dropletDir}/deps`,
  };
}

function vcapApplication({ name, memoryMb }: AppManifest): Readonly<Record<string, unknown>> {
  const version = guidOf(`version of ${name}`);
  return {
    application_id: guidOf(name),
    application_name: name,
    application_uris: [],
    application_version: version,
    cf_api: 'http://127.0.0.1',
    limits: { disk: 1024, fds: 16384, mem: memoryMb },
    name,
    organization_name: 'local',
    space_id: guidOf('space local'),
    space_name: 'local',
    uris: [],
    version,
  };
}

/** The shape of a GUID, the same for the same seed, so that an app keeps its identity between launches. */
function guidOf(seed: string): string {
  return createHash('sha256')
    .update(seed)
    .digest('hex')
    .slice(0, 32)
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
