import { environmentText } from '../../base/manifest-yaml.ts';
import { variableSettings } from '../../contract/config/settings.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import type { Mapping } from '../yaml-text.ts';

/** The variables that Cloud Controller makes from `env`; a list or a map is left out. */
export function readManifestEnvironment(raw: Mapping, findings: Finding[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    const text = environmentText(value);
    if (isReserved(name)) findings.push(reserved(name));
    else if (text === undefined) findings.push(structure(name, value));
    else texts[name] = text;
  }
  return texts;
}

/** https://docs.cloudfoundry.org/devguide/deploy-apps/environment-variable.html#app-specific-system-env */
function isReserved(name: string): boolean {
  return name === '' || /^(?:VCAP_|VMC|PORT$)/i.test(name);
}

function reserved(name: string): Finding {
  return errorOf({
    id: 'doctor/manifest/env-reserved',
    found: `\`env\` of manifest.yml sets ${name === '' ? 'a variable without a name' : name}`,
    expected: 'Cloud Controller refuses PORT, names that begin with VCAP_ or VMC, and an empty one.',
    next: ['Take it out of `env`; the platform sets PORT and VCAP_… itself.'],
  });
}

/** The author may intend this in a variable that only the app reads. */
function structure(name: string, value: unknown): Finding {
  const isOurs = variableSettings.has(name);
  const found = `\`env\` of manifest.yml gives ${name} as a YAML ${Array.isArray(value) ? 'list' : 'map'}`;
  const expected =
    'Cloud Controller turns that into text in the notation of Ruby, such as {"a"=>1}, which is not JSON.';
  const next = [`Write the value of ${name} as text, in quotes or behind \`>-\`.`];
  return isOurs
    ? errorOf({ id: 'doctor/manifest/env-structure', found, expected, next })
    : warningOf({ id: 'doctor/manifest/env-notation', found, expected, next });
}
