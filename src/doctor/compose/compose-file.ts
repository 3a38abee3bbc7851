import type { ReadHostFile } from '../../compose/invocation/host-files.ts';
import { composeOptions } from '../../contract/config/settings/compose-options.ts';
import { variableSettings } from '../../contract/config/settings.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import type { DoctorReport } from '../report.ts';
import { asMapping, readYaml } from '../yaml-text.ts';
import { interpolate } from './interpolation.ts';
import { findMissingNetworks } from './networks.ts';
import { findPluginFaults } from './plugins.ts';
import { findOptionFaults, optionsOf, type ProvidedService } from './provided-service.ts';

export interface ComposeFile {
  readonly name: string;
  readonly text: string;
  /** The known variables that Compose fills in. A text with unknown ones counts as valid. */
  readonly variables: Readonly<Record<string, string>>;
  readonly readFile: ReadHostFile;
}

const providerType = 'meridian-sidecar';

/**
 * Reports settings and problems of each service that this provider runs. Compose silently drops options that a provider does
 * not describe, so only the file itself shows a typing mistake.
 */
export function examineComposeFile(file: ComposeFile): DoctorReport[] {
  const empty = { subject: `Compose file ${file.name}`, settings: [], notes: [] };
  const errors: Finding[] = [];
  const document = asMapping(readYaml(file.text, (reason) => errors.push(notYaml(file.name, reason))));
  if (errors.length > 0) return [{ ...empty, findings: errors }];
  const services = Object.entries(asMapping(document['services'])).map(
    ([name, raw]) => [name, asMapping(raw)] as const,
  );
  const provided = services
    .filter(([, raw]) => asMapping(raw['provider'])['type'] === providerType)
    .map(([name, raw]): ProvidedService => ({ name, raw }));
  if (provided.length === 0) return [{ ...empty, findings: [noProvider(file.name)] }];
  const { name } = document;
  const project = typeof name === 'string' ? interpolate(name, file.variables) : undefined;
  const { variables, readFile } = file;
  const options = { project: project ?? 'project', variables, readFile, checkPattern: patternProblem };
  return provided.map((service) => ({
    subject: `service ${service.name} of ${file.name}`,
    settings: Object.entries(optionsOf(service)).map(([name, value]) => ({
      name,
      value: shownOption(name, value),
      source: file.name,
    })),
    notes: [],
    findings: [
      ...findOptionFaults(service, options),
      ...findMissingNetworks(service, { services, networks: asMapping(document['networks']) }),
      ...findPluginFaults(service.name, { services, project }),
    ],
  }));
}

function shownOption(name: string, value: unknown): string {
  const variable = Object.hasOwn(composeOptions, name) ? composeOptions[name]?.variable : undefined;
  if (variable !== undefined && variableSettings.get(variable)?.secret && String(value).includes('@')) {
    return 'set, not shown';
  }
  return [value].flat().map(String).join(', ');
}

function notYaml(file: string, reason: string): Finding {
  return errorOf({
    id: 'doctor/compose/yaml',
    found: `${file} is not YAML: ${reason}`,
    next: [`Correct ${file}.`],
  });
}

function noProvider(file: string): Finding {
  return warningOf({
    id: 'doctor/compose/no-provider',
    found: `no service of ${file} has \`provider: {type: ${providerType}}\``,
    next: ['Name the Compose file with the sidecar, or look at the plain form: `meridian-sidecar compose snippet`.'],
  });
}
