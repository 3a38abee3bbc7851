import type { PlatformIdentity } from './platform-identity.ts';
import type { SettingContext, SettingParser } from './settings/setting.ts';
import { accepted, type Parsed, rejected } from './settings/setting-value.ts';

const placeholders = ['space', 'app', 'process', 'index'] as const;
type Placeholder = (typeof placeholders)[number];

const longest = 64;
const grammar = `1 to ${longest} of \`A-Z a-z 0-9 _ -\`, and may hold ${placeholders.map((name) => `{${name}}`).join(' ')}`;

/** Reads INSTANCE_ID. Without an identity of the platform it checks nothing, and the id is empty. */
export const resolvedInstanceId: SettingParser<string> = (raw, { platform }) => {
  if (!platform) return accepted('');
  return typeof raw === 'string' ? resolveInstanceId(raw, platform) : rejected('malformed', grammar);
};

export function instanceIdWhenUnset({ platform }: SettingContext): Parsed<string> {
  return platform ? resolveInstanceId(undefined, platform) : accepted('');
}

/**
 * Resolves INSTANCE_ID to the id of this instance. On Cloud Foundry the default is `{app}-{index}`, or `{app}-{process}-{index}` if the
 * process is not `web`. Elsewhere it must be set.
 */
export function resolveInstanceId(template: string | undefined, identity: PlatformIdentity): Parsed<string> {
  const chosen = template ?? defaultTemplate(identity);
  if (chosen === undefined) return rejected('missing', `set: ${grammar}`);
  const checked = checkInstanceIdTemplate(chosen);
  if (!checked.ok) return checked;
  const missing = namesIn(chosen).find((name) => identity[name] === undefined);
  if (missing !== undefined) {
    return rejected(
      'unresolved',
      'an id whose every part is known here',
      `{${missing}} has no value: the platform did not give it`,
    );
  }
  if (!chosen.includes('{index}') && Number(identity.index ?? 0) > 0) {
    const detail = `fixed, and this is instance ${identity.index}: instance 0 has the same id`;
    return rejected('fixed', 'different for each instance: add {index}', detail);
  }
  const id = chosen.replaceAll(/\{(\w+)\}/g, (_, name: Placeholder) => identity[name] ?? '');
  const detail = id === chosen ? undefined : `${chosen} makes "${id}"`;
  return new RegExp(`^[A-Za-z0-9_-]{1,${longest}}$`).test(id) ? accepted(id) : rejected('malformed', grammar, detail);
}

/** Checks what is known before an instance runs: the placeholders' names and the characters between them. */
function checkInstanceIdTemplate(template: string): Parsed<string> {
  const unknown = namesIn(template).find((name) => !placeholders.includes(name));
  if (unknown !== undefined) return rejected('unknown-placeholder', grammar, `{${unknown}} is not known`);
  return /^[A-Za-z0-9_-]*$/.test(template.replaceAll(/\{\w+\}/g, ''))
    ? accepted(template)
    : rejected('malformed', grammar);
}

function defaultTemplate(identity: PlatformIdentity): string | undefined {
  if (!identity.onCloudFoundry) return undefined;
  return (identity.process ?? 'web') === 'web' ? '{app}-{index}' : '{app}-{process}-{index}';
}

function namesIn(template: string): Placeholder[] {
  return [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as Placeholder);
}
