import { FaultList } from '../base/user-facing-error.ts';
import { type Environment, readVariable } from '../contract/config/environment.ts';
import { checkInstanceIdTemplate } from '../contract/config/instance-id.ts';
import { parseRequestedGrants } from '../contract/config/requested-grants.ts';
import { SettingReader } from '../contract/config/setting-reader.ts';
import { accepted, type Parser, poolType, rejected, tags } from '../contract/config/setting-value.ts';

/** What a person may decide at staging. */
export interface StagingInputs {
  readonly memoryMb: number;
  /** The process types that get a sidecar, each once. */
  readonly sidecarFor: readonly string[];
  readonly warnings: readonly string[];
}

const defaultMemoryMb = 128;
/** Below this the runtime with the sidecar in it has no room for a single message. */
const leastMemoryMb = 64;

/**
 * Reads the variables that count at staging, and checks those of the run that can be known already: a push that fails here
 * tells more than a container that crashes.
 * @throws FaultList with every fault, with exit code 78.
 */
export function readStagingInputs(environment: Environment): StagingInputs {
  const reader = new SettingReader(environment, '', new Map());
  const memoryMb = reader.read({ variable: 'SIDECAR_MEMORY' }, megabytes, defaultMemoryMb);
  const sidecarFor = reader.read({ variable: 'SIDECAR_FOR' }, processTypes, ['web']);
  reader.read({ variable: 'INSTANCE_ID' }, instanceIdTemplate, undefined);
  reader.read({ variable: 'POOL_TYPE' }, poolType, undefined);
  reader.read({ variable: 'REQUESTED_GRANTS' }, requestedGrants, undefined);
  reader.read({ variable: 'TAGS' }, tags, undefined);
  if (reader.faults.length > 0) throw new FaultList(reader.faults);
  const poolTypeMayFollow = readVariable(environment, 'SIDECAR_CONFIG') !== undefined;
  const poolTypeMissing = readVariable(environment, 'POOL_TYPE') === undefined && !poolTypeMayFollow;
  return { memoryMb, sidecarFor, warnings: poolTypeMissing ? [poolTypeWarning] : [] };
}

const poolTypeWarning =
  'POOL_TYPE is not set; the sidecar will not start without it.\nSet it with `cf set-env APP POOL_TYPE …` or under `env` in the manifest.';

const megabytes: Parser<number> = (raw) =>
  typeof raw === 'string' && /^\d{1,6}$/.test(raw) && Number(raw) >= leastMemoryMb
    ? accepted(Number(raw))
    : rejected('not-megabytes', `a whole number of megabytes without a unit, at least ${leastMemoryMb}, such as 128`);

const processTypes: Parser<readonly string[]> = (raw) => {
  const names = String(raw)
    .split(',')
    .map((name) => name.trim());
  return names.every((name) => /^[A-Za-z0-9_-]{1,255}$/.test(name))
    ? accepted([...new Set(names)])
    : rejected('malformed', 'comma-separated process types of `A-Z a-z 0-9 _ -`, such as `web,worker`');
};

const instanceIdTemplate: Parser<string> = (raw) => checkInstanceIdTemplate(String(raw));

/** The topic grammar is the sidecar's; staging judges the shape only. */
const requestedGrants: Parser<unknown> = (raw) => parseRequestedGrants(raw, () => undefined);
