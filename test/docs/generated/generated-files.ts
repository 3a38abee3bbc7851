import { policySchema, sidecarConfigSchema } from './json-schemas.ts';
import { pluginApiPage } from './plugin-api-page.ts';
import { settingsPage } from './settings-page.ts';

/** What `npm run gen:docs` writes: the text of each file, by its path below the repository's root. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const json = (schema: object): string => `${JSON.stringify(schema, undefined, 2)}\n`;
  return new Map([
    ['docs/settings.md', settingsPage()],
    ['docs/plugin-api.md', pluginApiPage()],
    ['docs/schemas/sidecar-config.schema.json', json(sidecarConfigSchema())],
    ['docs/schemas/policy.schema.json', json(policySchema())],
  ]);
}
