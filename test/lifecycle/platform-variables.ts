import type { AppManifest } from '../../src/local/app-manifest.ts';

type Environment = Readonly<Record<string, string>>;

const guids = {
  app: '6a1c1d2e-0000-4000-8000-000000000001',
  process: '6a1c1d2e-0000-4000-8000-000000000002',
  space: '6a1c1d2e-0000-4000-8000-000000000003',
};

/** The port that the platform gives the app, and all that runs beside it. */
const appPort = 8080;

/** What the platform's Cloud Controller gives to a staging, beside the variables of the app. */
export function platformStagingEnvironment(manifest: AppManifest): Environment {
  return {
    ...ofEveryProcess,
    CF_STACK: 'cflinuxfs4',
    MEMORY_LIMIT: '1024m',
    VCAP_APPLICATION: JSON.stringify(applicationOf(manifest)),
    ...manifest.env,
  };
}

export interface InstanceOptions {
  readonly manifest: AppManifest;
  readonly index: number;
  /** Changes with each push and restage. */
  readonly version?: string;
  readonly startedAt?: string;
  readonly ip: string;
  /** Null for a task. */
  readonly processType: string | null;
  readonly memoryMb: number;
  readonly env?: Environment;
}

/** What the platform gives to one process of an instance before its launcher adds to it; a sidecar gets the same as its app. */
export function platformInstanceEnvironment(options: InstanceOptions): Environment {
  const { manifest, index, ip, processType, memoryMb, env } = options;
  const port = String(appPort);
  const ports = [{ internal: appPort, external: 61_001, internal_tls_proxy: 61_443, external_tls_proxy: 61_002 }];
  const application = {
    ...applicationOf(manifest),
    application_version: options.version ?? 'first',
    version: options.version ?? 'first',
    ...(options.startedAt === undefined ? {} : { started_at: options.startedAt }),
    ...(processType === null ? {} : { process_id: guids.process, process_type: processType }),
  };
  return {
    ...ofEveryProcess,
    CF_INSTANCE_ADDR: `${ip}:61001`,
    CF_INSTANCE_CERT: '/etc/cf-instance-credentials/instance.crt',
    CF_INSTANCE_GUID: `6a1c1d2e-0000-4000-9000-${String(index).padStart(12, '0')}`,
    CF_INSTANCE_INDEX: String(index),
    CF_INSTANCE_INTERNAL_IP: ip,
    CF_INSTANCE_IP: ip,
    CF_INSTANCE_KEY: '/etc/cf-instance-credentials/instance.key',
    CF_INSTANCE_PORT: '61001',
    CF_INSTANCE_PORTS: JSON.stringify(ports),
    CF_SYSTEM_CERT_PATH: '/etc/cf-system-certificates',
    INSTANCE_GUID: `6a1c1d2e-0000-4000-9000-${String(index).padStart(12, '0')}`,
    INSTANCE_INDEX: String(index),
    MEMORY_LIMIT: `${memoryMb}m`,
    PORT: port,
    VCAP_APPLICATION: JSON.stringify(application),
    VCAP_APP_HOST: '0.0.0.0',
    VCAP_APP_PORT: port,
    ...manifest.env,
    ...env,
  };
}

const ofEveryProcess = {
  HOME: '/home/vcap',
  LANG: 'en_US.UTF-8',
  PATH: '/usr/local/bin:/usr/bin:/bin',
  USER: 'vcap',
  VCAP_PLATFORM_OPTIONS: '{}',
  VCAP_SERVICES: '{}',
};

function applicationOf({ name, memoryMb }: AppManifest): Readonly<Record<string, unknown>> {
  return {
    application_id: guids.app,
    application_name: name,
    application_uris: [],
    cf_api: 'https://api.platform.example',
    limits: { disk: 1024, fds: 16_384, mem: memoryMb },
    name,
    organization_name: 'org',
    space_id: guids.space,
    space_name: 'space',
    uris: [],
  };
}
