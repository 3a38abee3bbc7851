import { parse, stringify } from 'yaml';
import type { Sidecar, StagingResult } from './staging-result.ts';

/** What a staging alone makes use of, and what a push of a droplet does not take. */
const ofStagingOnly: ReadonlySet<string> = new Set(['buildpack', 'buildpacks', 'path', 'docker', 'stack', 'sidecars']);

type Mapping = Readonly<Record<string, unknown>>;

/**
 * The text of a manifest for `cf push -f FILE --droplet`, from the app's own: a droplet brings neither the start commands nor
 * the sidecars that its staging found, so both stand in it. Only the first application is taken over.
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
    // The platform starts no instance of a type that a droplet brings, but web, until it is told to.
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
