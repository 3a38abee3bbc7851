import { type Environment, readVariable } from './environment.ts';
import { accepted, type Parsed, rejected } from './settings/setting-value.ts';

/** Cloud Foundry's description of the process of an environment. Every field may be absent. */
export interface PlatformIdentity {
  readonly onCloudFoundry: boolean;
  readonly space: string | undefined;
  readonly app: string | undefined;
  readonly process: string | undefined;
  readonly index: string | undefined;
  readonly applicationVersion: string | undefined;
}

/** Reads VCAP_APPLICATION and CF_INSTANCE_INDEX. */
export function readPlatformIdentity(environment: Environment): Parsed<PlatformIdentity> {
  const vcap = readVariable(environment, 'VCAP_APPLICATION');
  const application = vcap === undefined ? {} : parseObject(vcap);
  if (application === undefined) return rejected('not-json', 'the JSON object that the platform sets');
  const index = readVariable(environment, 'CF_INSTANCE_INDEX') ?? asText(application['instance_index']);
  return accepted({
    onCloudFoundry: vcap !== undefined,
    space: asText(application['space_name']),
    app: asText(application['application_name']),
    process: asText(application['process_type']),
    index,
    applicationVersion: asText(application['application_version']),
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
