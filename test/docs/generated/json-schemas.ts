import { defaultQuotas } from '../../../src/bus/quotas/quotas.ts';
import { defaultText, type Setting, settingsIn } from '../../../src/contract/config/settings/setting.ts';
import { settings } from '../../../src/contract/config/settings.ts';
import { limits } from '../../../src/contract/wire/limits.ts';

const draft = 'https://json-schema.org/draft/2020-12/schema';

interface ObjectSchema {
  readonly [keyword: string]: unknown;
  readonly properties: Record<string, object>;
}

/** JSON Schema of the file that SIDECAR_CONFIG names. */
export function sidecarConfigSchema(): object {
  const root = objectSchema('Settings of the Meridian sidecar');
  for (const setting of settingsIn(settings)) {
    if (setting.key === undefined) continue;
    const path = setting.key.split('.');
    const parent = path.slice(0, -1).reduce((parent, name) => {
      parent.properties[name] ??= objectSchema();
      return parent.properties[name] as ObjectSchema;
    }, root);
    parent.properties[path.at(-1) ?? ''] = schemaOf(setting);
  }
  return { $schema: draft, ...root };
}

function objectSchema(title?: string): ObjectSchema {
  return {
    ...(title !== undefined && { title }),
    type: ['object', 'null'],
    additionalProperties: false,
    properties: {},
  };
}

function schemaOf(setting: Setting): object {
  const preset = defaultText(setting);
  return {
    description: `${setting.meaning}${preset === '' ? '' : `. Default: ${preset}`}`,
    // A key without a value counts as absent.
    anyOf: [setting.parse.schema ?? { type: 'string' }, { type: 'null' }],
    ...(setting.example !== undefined && { examples: [setting.example] }),
  };
}

const texts = { type: 'array', items: { type: 'string' } };
const someTexts = { ...texts, minItems: 1 };

/** JSON Schema of the policy of a bus. */
export function policySchema(): object {
  const quota = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
  const quotas = Object.fromEntries(
    Object.entries(defaultQuotas).map(([name, preset]) => [
      name,
      {
        ...quota,
        ...(name === 'subscriptions' && { maximum: limits.subscriptions }),
        description: `Default: ${preset}`,
      },
    ]),
  );
  const rule = {
    type: 'object',
    additionalProperties: false,
    required: ['principals', 'instances', 'pools'],
    properties: {
      principals: { ...someTexts, description: 'Who calls; * stands for any run of characters' },
      instances: { ...someTexts, description: 'INSTANCE_ID; * stands for any run of characters' },
      pools: { ...someTexts, description: 'POOL_TYPE; * stands for any run of characters' },
      publish: { ...texts, description: 'Topic patterns that may be published on' },
      subscribe: { ...texts, description: 'Topic patterns that may be subscribed to' },
      approval: {
        enum: ['auto', 'manual'],
        description: 'manual: an administrator must approve each grant. Default: auto',
      },
      quotas: { type: 'object', additionalProperties: false, properties: quotas },
    },
  };
  return {
    $schema: draft,
    title: 'Policy of a Meridian bus',
    type: 'object',
    additionalProperties: false,
    required: ['deployment', 'rules'],
    properties: {
      deployment: { type: 'string', minLength: 1, description: 'Name of the deployment' },
      rules: { type: 'array', minItems: 1, items: rule },
      admins: { ...texts, description: 'Principals who may approve and revoke; * stands for any run of characters' },
      tokens: {
        type: 'object',
        description: 'The principal of a bearer token, under the SHA-256 of the token',
        additionalProperties: false,
        patternProperties: { '^[0-9a-fA-F]{64}$': { type: 'string', minLength: 1 } },
      },
    },
  };
}
