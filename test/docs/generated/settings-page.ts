import { composeOptions } from '../../../src/contract/config/settings/compose-options.ts';
import { defaultText, type Setting, settingsIn } from '../../../src/contract/config/settings/setting.ts';
import { settings } from '../../../src/contract/config/settings.ts';
import { markdownTable } from './markdown-table.ts';

const code = (text: string | undefined): string => (text === undefined || text === '' ? '' : `\`${text}\``);

/** docs/settings.md, whole: every setting of the sidecar, of staging and of the Compose provider. */
export function settingsPage(): string {
  return `# Settings

<!-- Made by \`npm run gen:docs\` from src/contract/config/settings.ts; do not edit it by hand. -->

A setting comes from the environment, behind it a bound service, behind that the file that \`SIDECAR_CONFIG\` names, behind that its default.
A blank variable counts as unset. All problems of the settings are reported together, each with its place. \`meridian-sidecar doctor\` shows
every value with its source.

A duration is \`500ms\`, \`8s\`, \`10m\` or \`1h\`. A size is \`64KiB\`, \`8MiB\` or \`1GiB\`. A share is \`85%\`.

## The sidecar

Read when the sidecar starts, and checked while staging.

${settingTable(settingsIn(settings.sidecar))}

## Where the sidecar listens

${settingTable(settingsIn(settings.ports))}

## The way to the bus

Read when the sidecar starts, and by \`meridian-sidecar bus grants\`. Credentials in files are read again when the files change.

${settingTable(settingsIn(settings.bus))}

## Where other settings are

${settingTable(settingsIn(settings.launch))}

## Staging

Read by \`bin/supply\`.

${settingTable(settingsIn(settings.staging))}

## Options of the Compose provider

Under \`provider.options\` of a Compose file. An option with a variable sets that variable of the sidecar. See [compose.md](compose.md).

${optionsTable()}

## The configuration file

The file that \`SIDECAR_CONFIG\` names, relative to the app's root, is YAML. A relative name must not lead out
of the app, and the file has 1 MiB at most, as have the files of credentials and bindings. An unknown key is an error. These are its keys with their
defaults. Editors with a YAML language server check it by [its JSON Schema](schemas/sidecar-config.schema.json) when its first line is
\`# yaml-language-server: $schema=PATH-OR-ADDRESS-OF-THE-SCHEMA\`.

\`\`\`yaml
${configurationFile()}
\`\`\`
`;
}

function optionsTable(): string {
  const rows = Object.entries(composeOptions).map(([name, option]) => [
    code(name),
    option.meaning,
    code(option.variable),
    option.default ?? '',
  ]);
  return markdownTable(['option', 'meaning', 'variable', 'default'], rows);
}

function settingTable(group: readonly Setting[]): string {
  const rows = group.map((setting) => [
    code(setting.variable),
    code(setting.key),
    code(setting.option?.name),
    setting.meaning,
    defaultText(setting),
  ]);
  return markdownTable(['variable', 'key in the file', 'Compose option', 'meaning', 'default'], rows);
}

/** Every key of the file with its default; what has none is a comment. */
function configurationFile(): string {
  const lines: string[] = [];
  let parents: readonly string[] = [];
  const keyed = settingsIn(settings).filter((setting) => setting.key !== undefined);
  for (const setting of inSections(keyed)) {
    const path = (setting.key ?? '').split('.');
    for (const [depth, name] of path.slice(0, -1).entries()) {
      if (parents[depth] !== name) lines.push(`${'  '.repeat(depth)}${name}:`);
    }
    parents = path.slice(0, -1);
    lines.push(lineOf(setting, path));
  }
  return lines.join('\n');
}

/** Keys of one section stand together, where the first of them stands. */
function inSections(keyed: readonly Setting[]): readonly Setting[] {
  const sectionOf = ({ key = '' }: Setting): string => (key.includes('.') ? (key.split('.')[0] ?? '') : key);
  return [...new Set(keyed.map(sectionOf))].flatMap((section) => keyed.filter((each) => sectionOf(each) === section));
}

function lineOf(setting: Setting, path: readonly string[]): string {
  const indent = '  '.repeat(path.length - 1);
  const comment = `# ${setting.meaning}`;
  const name = path.at(-1) ?? '';
  if (setting.default !== undefined && setting.default !== '')
    return `${indent}${name}: ${yamlText(setting.default)} ${comment}`;
  const without = defaultText(setting);
  return `${indent}# ${name}: ${yamlText(setting.example ?? '')} ${comment}${without === '' ? '' : ` (${without})`}`;
}

/** Plain where YAML reads it back as the same text or number. */
function yamlText(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9.:/%-]*$|^\[.*\]$/.test(text) ? text : `'${text}'`;
}
