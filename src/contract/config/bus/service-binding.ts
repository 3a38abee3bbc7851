import type { UserFacingError } from '../../../base/user-facing-error.ts';
import { settingFault } from '../settings/setting-reader.ts';
import { type CredentialSource, Secret } from './secret.ts';

/** The bound services as `binding-files.ts` reads them. */
export interface BindingSources {
  /** Texts in the form of VCAP_SERVICES, each with its variable. */
  readonly documents: readonly { readonly source: string; readonly text: string }[];
  /** The folders of SERVICE_BINDING_ROOT. */
  readonly folders: readonly BindingFolder[];
  /** Sources that a variable names but that cannot be read. */
  readonly unreadable: readonly { readonly source: string; readonly reason: string }[];
}

export interface BindingFolder {
  readonly path: string;
  /** Content by file name. */
  readonly files: ReadonlyMap<string, string>;
}

export const noBindings: BindingSources = { documents: [], folders: [], unreadable: [] };

/** The binding's keys for the bus. Other keys are ignored. */
export const busBindingKeys = ['url', 'ca', 'certificate', 'key', 'token'] as const;
export type BusBindingKey = (typeof busBindingKeys)[number];

/** The bound service of the bus. */
export interface BusService {
  /** For messages, such as `service "bus" of VCAP_SERVICES`. */
  readonly label: string;
  readonly credentials: { readonly [key in BusBindingKey]?: CredentialSource };
  readonly url: string | undefined;
}

/** The tag that identifies the service. */
const busTag = 'meridian-bus';

interface BoundService extends BusService {
  /** CredHub stores the credentials, and the launcher inserts them. */
  readonly isReference?: boolean;
  /** The names of the instance, and of the binding if it has one. */
  readonly names: readonly string[];
  readonly isTagged: boolean;
}

/**
 * Finds the bus's service: the one called `chosenName`, else the one tagged `meridian-bus`. Errors go to `errors` and repeat no credential.
 */
export function findBusService(
  sources: BindingSources,
  chosenName: string | undefined,
  errors: UserFacingError[],
): BusService | undefined {
  errors.push(...sources.unreadable.map(unreadable));
  const all = distinct([
    ...sources.folders.map(serviceOfFolder),
    ...sources.documents.flatMap((document) => servicesOfDocument(document, errors)),
  ]);
  const matches = all.filter(({ names, isTagged }) =>
    chosenName === undefined ? isTagged : names.includes(chosenName),
  );
  const [service] = matches;
  if (matches.length > 1) errors.push(several(matches));
  else if (service === undefined && chosenName !== undefined) errors.push(notBound(chosenName, all));
  else if (service && !service.isReference && Object.keys(service.credentials).length === 0)
    errors.push(empty(service));
  return matches.length === 1 ? service : undefined;
}

/** A platform may describe one binding in two ways. The first, by files, can rotate. */
function distinct(services: readonly BoundService[]): BoundService[] {
  return services.filter(({ names }, at) => services.findIndex((other) => other.names[0] === names[0]) === at);
}

function serviceOfFolder({ path, files }: BindingFolder): BoundService {
  const text = (key: string): string | undefined => files.get(key)?.trim() || undefined;
  const folder = path.slice(path.lastIndexOf('/') + 1);
  const name = text('instance-name') ?? text('name') ?? folder;
  const credentials = Object.fromEntries(
    busBindingKeys.flatMap((key) => {
      const file = key === 'url' && !files.has('url') ? 'uri' : key;
      return text(file) === undefined ? [] : [[key, { file: `${path}/${file}` }]];
    }),
  );
  return {
    label: `service "${name}" of SERVICE_BINDING_ROOT`,
    names: [name, folder, ...present(text('binding-name'))],
    isTagged: [text('type'), ...tagsOf(parseJson(text('tags') ?? '') ?? text('tags'))].some(isBusTag),
    credentials,
    url: text('url') ?? text('uri'),
  };
}

function servicesOfDocument(
  { source, text }: BindingSources['documents'][number],
  errors: UserFacingError[],
): BoundService[] {
  const document = asObject(parseJson(text));
  if (!document) {
    errors.push(notServices(source));
    return [];
  }
  return Object.values(document)
    .flatMap((group) => (Array.isArray(group) ? (group as unknown[]) : []))
    .flatMap((entry) => present(asObject(entry)))
    .map((entry) => serviceOfEntry(entry, source));
}

function serviceOfEntry(entry: Readonly<Record<string, unknown>>, source: string): BoundService {
  const given = asObject(entry['credentials']) ?? {};
  const text = (key: string): string | undefined => {
    const value = given[key];
    return typeof value === 'string' && value.trim() !== '' ? value : undefined;
  };
  const names = ['instance_name', 'name', 'binding_name'].flatMap((key) =>
    typeof entry[key] === 'string' ? [entry[key]] : [],
  );
  const url = text('url') ?? text('uri');
  const credentials = Object.fromEntries(
    busBindingKeys.flatMap((key) => {
      const value = key === 'url' ? url : text(key);
      return value === undefined ? [] : [[key, { text: new Secret(value) }]];
    }),
  );
  return {
    label: `service "${names[0] ?? '(no name)'}" of ${source}`,
    names,
    isTagged: tagsOf(entry['tags']).some(isBusTag),
    isReference: 'credhub-ref' in given,
    credentials,
    url,
  };
}

/** Marketplaces and people write tags in any case. */
function isBusTag(tag: unknown): boolean {
  return typeof tag === 'string' && tag.trim().toLowerCase() === busTag;
}

/** A list, or a comma-separated text as `cf create-service -t` takes it. */
function tagsOf(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return value.split(',');
  return Array.isArray(value) ? value : [];
}

function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

const subjectOf = (source: string): string => source.toLowerCase().replaceAll('_', '-');

function unreadable({ source, reason }: BindingSources['unreadable'][number]): UserFacingError {
  return settingFault({
    subject: subjectOf(source),
    fault: 'unreadable',
    found: `What ${source} names cannot be read: ${reason}`,
    expected: 'The platform puts the bound services there.',
    next: `Leave ${source} to the platform, or unset it.`,
  });
}

function notServices(source: string): UserFacingError {
  return settingFault({
    subject: subjectOf(source),
    fault: 'not-json',
    found: `${source} holds no JSON object (its value is not shown)`,
    expected: 'The platform sets it to the bound services, by their kind.',
    next: `Leave ${source} to the platform, or unset it.`,
  });
}

function several(matches: readonly BoundService[]): UserFacingError {
  return settingFault({
    subject: 'bus-service',
    fault: 'several',
    found: `Several bound services could lead to the bus: ${matches.map(({ label }) => label).join(', ')}`,
    expected: `One must be chosen, or be the only one with the tag \`${busTag}\`.`,
    next: `Set SIDECAR_BUS_SERVICE to the name of one, such as ${matches[0]?.names[0]}.`,
  });
}

function notBound(chosenName: string, all: readonly BoundService[]): UserFacingError {
  const bound = all.length === 0 ? 'no service is bound' : `bound are ${all.map(({ label }) => label).join(', ')}`;
  return settingFault({
    subject: 'bus-service',
    fault: 'not-bound',
    found: `SIDECAR_BUS_SERVICE is "${chosenName}": ${bound}`,
    expected: 'It must be the name of a bound service.',
    next: `Bind it with \`cf bind-service APP ${chosenName}\`, or correct SIDECAR_BUS_SERVICE.`,
  });
}

function empty({ label }: BusService): UserFacingError {
  return settingFault({
    subject: 'bus-service',
    fault: 'empty',
    found: `The ${label} has none of the credentials ${busBindingKeys.join(', ')}`,
    expected: '`url` is the Bus API; `ca`, `certificate` and `key` hold PEM text, `token` a bearer token.',
    next: 'Correct its credentials, or take the tag from it.',
  });
}
