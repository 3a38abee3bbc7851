import { parseAllDocuments } from 'yaml';
import { UserFacingError } from '../base/user-facing-error.ts';

/** One entry of a launch.yml: a process type, or with `sidecarFor` a sidecar of those process types. */
export interface LaunchProcess {
  readonly type: string;
  readonly command: string;
  readonly sidecarFor: readonly string[];
  /** 0 when the entry names none. */
  readonly memoryMb: number;
}

/**
 * Merges as the platform does: an entry replaces every earlier one of the same type as a whole, and keeps its place; two of one
 * type within `later` are both kept.
 */
export function mergeProcesses(earlier: readonly LaunchProcess[], later: readonly LaunchProcess[]): LaunchProcess[] {
  const merged = earlier.map((entry) => later.findLast((candidate) => candidate.type === entry.type) ?? entry);
  return [...merged, ...later.filter((entry) => !earlier.some(({ type }) => type === entry.type))];
}

/**
 * Reads a launch.yml as leniently as the platform: unknown keys are ignored, numbers are cut to integers.
 * @throws UserFacingError `stage/launch-yml/type` for a value of a type that the platform refuses.
 */
export function parseLaunchYml(text: string, source: string): LaunchProcess[] {
  const document = mapping(firstDocument(text, source), source);
  return list(document['processes'], `processes in ${source}`).map((item, at) => {
    const where = `processes[${at}] in ${source}`;
    const entry = mapping(item, where);
    const platforms = mapping(entry['platforms'], `platforms of ${where}`);
    const cloudfoundry = mapping(platforms['cloudfoundry'], `platforms.cloudfoundry of ${where}`);
    const limits = mapping(entry['limits'], `limits of ${where}`);
    return {
      type: scalar(entry['type'], `type of ${where}`),
      command: scalar(entry['command'], `command of ${where}`),
      sidecarFor: list(cloudfoundry['sidecar_for'], `sidecar_for of ${where}`).map((each) => scalar(each, where)),
      memoryMb: wholeNumber(limits['memory'], `limits.memory of ${where}`),
    };
  });
}

/** Reads the `type: command` lines of a Procfile. */
export function parseProcfile(text: string): LaunchProcess[] {
  return fromCommands(firstDocument(text, 'Procfile'), 'Procfile');
}

/** Reads the output of `bin/release`: YAML with `default_process_types`. */
export function parseRelease(text: string): LaunchProcess[] {
  const source = 'the output of bin/release';
  return fromCommands(mapping(firstDocument(text, source), source)['default_process_types'], source);
}

function fromCommands(value: unknown, source: string): LaunchProcess[] {
  return Object.entries(mapping(value, source)).map(([type, command]) => ({
    type,
    command: scalar(command, `${type} in ${source}`),
    sidecarFor: [],
    memoryMb: 0,
  }));
}

// The platform's parser uses YAML 1.1 and reads the first document only.
function firstDocument(text: string, source: string): unknown {
  const [document] = parseAllDocuments(text, { version: '1.1' });
  if (!document || !('toJS' in document)) return undefined;
  const [error] = document.errors;
  if (error) throw refused(`${source} is not YAML`, error.message);
  return document.toJS();
}

function mapping(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw refused(`${where} is ${JSON.stringify(value)}`, 'The platform expects a mapping there.');
}

function list(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw refused(`${where} is ${JSON.stringify(value)}`, 'The platform expects a list there.');
}

function scalar(value: unknown, where: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'object') return String(value);
  throw refused(`${where} is ${JSON.stringify(value)}`, 'The platform expects a text there.');
}

function wholeNumber(value: unknown, where: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return Math.trunc(value);
  throw refused(`${where} is ${JSON.stringify(value)}`, 'The platform expects a whole number of megabytes, unquoted.');
}

function refused(found: string, expected: string): UserFacingError {
  return new UserFacingError({
    id: 'stage/launch-yml/type',
    found,
    expected,
    next: ['Correct the file, or the buildpack that writes it.'],
  });
}
