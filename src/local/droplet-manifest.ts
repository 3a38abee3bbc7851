import { parse, stringify } from 'yaml';
import type { Sidecar, StagingResult } from './staging-result.ts';

/** Keys that only a staging uses, and that a push of a droplet does not accept. */
const ofStagingOnly: ReadonlySet<string> = new Set(['buildpack', 'buildpacks', 'path', 'docker', 'stack', 'sidecars']);

type Mapping = Readonly<Record<string, unknown>>;

/**
 * The text of a manifest for `cf push -f FILE --droplet`, made from the app's own. A droplet does not contain the start
 * commands and sidecars that its staging found, so the manifest lists both. It contains the first application only.
 */
export function dropletManifest(options: {
  /** The text of the app's manifest.yml, if it has one. */
  readonly manifest: string | undefined;
  /** The name of an app whose manifest has none. */
  readonly appName: string;
  readonly result: StagingResult;
}): string {
  const { manifest, appName, result } = options;
  const [first] = (parse(manifest ?? '') as { applications?: readonly Mapping[] } | null)?.applications ?? [];
  const {
    name = appName,
    processes,
    ...kept
  } = Object.fromEntries(Object.entries(first ?? {}).filter(([key]) => !ofStagingOnly.has(key)));
  const { web, ...others } = result.process_types;
  const configured = Array.isArray(processes) ? (processes as readonly Mapping[]) : [];
  const commandOf = (each: Mapping): Mapping => {
    const command = result.process_types[String(each['type'])];
    return command === undefined ? each : { command, ...each };
  };
  const unnamed = Object.entries(others).filter(([type]) => !configured.some((each) => each['type'] === type));
  const all = [
    ...configured.map(commandOf),
    // The platform starts no instance of a droplet's types, except web, unless the manifest asks for it.
    ...unnamed.map(([type, command]) => ({ type, command, instances: 0 })),
  ];
  return stringify(
    {
      applications: [
        {
          name,
          ...(web === undefined ? {} : { command: web }),
          ...kept,
          ...(all.length === 0 ? {} : { processes: all }),
          ...(result.sidecars ? { sidecars: result.sidecars.map(sidecarEntry) } : {}),
        },
      ],
    },
    { lineWidth: 0 },
  );
}

function sidecarEntry({ name, process_types, command, memory }: Sidecar): Mapping {
  return { name, process_types, command, ...(memory === undefined ? {} : { memory: `${memory}M` }) };
}
