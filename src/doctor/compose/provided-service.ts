import { closestName } from '../../base/closest-name.ts';
import { ErrorList } from '../../base/user-facing-error.ts';
import type { ReadHostFile } from '../../compose/invocation/host-files.ts';
import { readServiceSettings } from '../../compose/invocation/service-settings.ts';
import { composeOptions } from '../../contract/config/settings/compose-options.ts';
import type { CheckPattern } from '../../contract/config/settings/setting.ts';
import { errorOf, type Finding } from '../finding.ts';
import { asMapping, type Mapping } from '../yaml-text.ts';
import { interpolate } from './interpolation.ts';

/** A service that the provider runs. */
export interface ProvidedService {
  readonly name: string;
  readonly raw: Mapping;
}

export interface OptionSources {
  /** The name of the project, or a substitute. */
  readonly project: string;
  /** The known variables that Compose fills in. */
  readonly variables: Readonly<Record<string, string>>;
  readonly readFile: ReadHostFile;
  readonly checkPattern: CheckPattern;
}

export function optionsOf({ raw }: ProvidedService): Mapping {
  return asMapping(asMapping(raw['provider'])['options']);
}

/** Finds options that Compose would ignore or refuse, and those that `up` would refuse, with the parser of `up` itself. */
export function findOptionFaults(service: ProvidedService, sources: OptionSources): Finding[] {
  const findings: Finding[] = [];
  const options = new Map<string, string[]>();
  for (const [name, value] of Object.entries(optionsOf(service))) {
    const option = Object.hasOwn(composeOptions, name) ? composeOptions[name] : undefined;
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    if (option === undefined) findings.push(unknownOption(service.name, name));
    else if (!values.every(isScalar)) findings.push(wrongValue(name, value, 'a text, a number, true or false'));
    else if (Array.isArray(value) && !option.repeats) findings.push(wrongValue(name, value, 'one value'));
    else
      options.set(
        name,
        values.flatMap((each) => interpolate(String(each), sources.variables) ?? standIn(name)),
      );
  }
  if (standsFor(options.get('bus'))) options.set('bus', [options.has('policy') ? 'embedded' : 'given']);
  return [...findings, ...refusedByUp(service.name, options, sources)];
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** Used in place of an unknown value: `up` accepts it, and it causes no other refusal. */
const unknown = '/a-value-that-is-not-known-here';

function standIn(name: string): readonly string[] {
  if (name === 'pool-type') return ['Pool'];
  if (name === 'env') return ['false'];
  return name === 'bus' || composeOptions[name]?.mountedAt !== undefined ? [unknown] : [];
}

const standsFor = (values: readonly string[] | undefined): boolean => values?.[0] === unknown;

function refusedByUp(
  service: string,
  options: ReadonlyMap<string, readonly string[]>,
  { project, readFile, checkPattern }: OptionSources,
): Finding[] {
  try {
    readServiceSettings(
      { command: 'up', project, service, options, ignored: [] },
      { checkPattern, readFile: (file) => (file === unknown ? 'pool_type: Pool\n' : readFile(file)) },
    );
    return [];
  } catch (error) {
    if (!(error instanceof ErrorList)) throw error;
    return error.errors.map((fault) => ({ severity: 'error', fault }));
  }
}

function unknownOption(service: string, name: string): Finding {
  const nearest = closestName(name, Object.keys(composeOptions));
  return errorOf({
    id: 'doctor/compose/unknown-option',
    found: `service ${service} has the option \`${name}\`, which does not exist`,
    expected: 'Compose ignores it and prints no error.',
    next: [nearest === undefined ? 'Remove it.' : `Write \`${nearest}\`.`],
  });
}

function wrongValue(name: string, value: unknown, expected: string): Finding {
  return errorOf({
    id: 'doctor/compose/option-value',
    found: `option \`${name}\` is ${JSON.stringify(value)}`,
    expected: `It must be ${expected}.`,
    next: [`Correct option \`${name}\`.`],
  });
}
