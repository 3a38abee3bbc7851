import type { UserFacingError } from '../../base/user-facing-error.ts';
import type { Environment } from '../../contract/config/environment.ts';
import type { ConfigFile } from '../../contract/config/settings/config-file.ts';
import type { Reading } from '../../contract/config/settings/setting-reader.ts';
import {
  type ExaminedSidecarConfig,
  examineSidecarConfig,
  type SidecarConfig,
} from '../../contract/config/sidecar-config.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { errorOf, type Finding } from '../finding.ts';
import type { CloudApp, CloudProcess } from './cloud-manifest.ts';

/** Used in place of the platform's PORT. */
export const platformPort = 8080;

export interface InstanceSources {
  readonly app: CloudApp;
  /** Processes with a sidecar. */
  readonly processes: readonly CloudProcess[];
  readonly environment: Environment;
  readonly configFile: ConfigFile | undefined;
}

export interface ExaminedInstances {
  /** Of the first instance. */
  readonly config: SidecarConfig;
  readonly readings: readonly Reading[];
  /** Problems for which the sidecar of any of the instances would not start. */
  readonly errors: readonly UserFacingError[];
  readonly findings: readonly Finding[];
}

/**
 * Reads the configuration as the sidecars of the first and the last instance of each process would read it. The name of the
 * space is unknown before the push; SPACE stands in its place.
 */
export function examineInstances({ app, processes, environment, configFile }: InstanceSources): ExaminedInstances {
  const examine = (type: string, index: number): ExaminedSidecarConfig =>
    examineSidecarConfig({
      environment: { ...environment, PORT: `${platformPort}`, VCAP_APPLICATION: instanceOf(app.name, type, index) },
      ...(configFile && { configFile }),
      checkPattern: patternProblem,
    });
  const places = processes.flatMap(({ type, instances }) => [
    { type, index: 0 },
    ...(instances > 1 ? [{ type, index: instances - 1 }] : []),
  ]);
  const first = examine(places[0]?.type ?? 'web', 0);
  const others = places.slice(1).map(({ type, index }) => ({ place: `${type} ${index}`, ...examine(type, index) }));
  const all = [{ place: `${places[0]?.type ?? 'web'} 0`, ...first }, ...others];
  return {
    config: first.config,
    readings: first.readings,
    errors: all.flatMap(({ errors }) => errors),
    findings: sharedIds(all),
  };
}

function instanceOf(app: string, type: string, index: number): string {
  return JSON.stringify({
    space_name: 'SPACE',
    application_name: app,
    process_type: type,
    instance_index: index,
  });
}

/** Two processes with the same numbering may get the same ids. */
function sharedIds(all: readonly { readonly place: string; readonly config: SidecarConfig }[]): Finding[] {
  return all.flatMap(({ place, config: { instanceId } }, at) => {
    const earlier = all.slice(0, at).find(({ config }) => config.instanceId === instanceId);
    return earlier === undefined || instanceId === '' ? [] : [sharedId(instanceId, [earlier.place, place])];
  });
}

function sharedId(id: string, [one, other]: readonly [string, string]): Finding {
  return errorOf({
    id: 'doctor/instance-id/shared',
    found: `The instances ${one} and ${other} would both be called ${id}`,
    expected: 'An id belongs to one instance: the later one would take it from the earlier.',
    next: ['Write INSTANCE_ID with {process} and {index}, such as `{app}-{process}-{index}`, or leave it unset.'],
  });
}
