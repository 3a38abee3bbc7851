import type { CheckPattern, SettingContext, SettingParser } from './settings/setting.ts';
import { accepted, type Parsed, rejected, type ValueSchema } from './settings/setting-value.ts';

/** A call needs the grant to publish on its topic. Serving calls needs the grant to subscribe to it. */
export const grantActions = ['publish', 'subscribe'] as const;
export type GrantAction = (typeof grantActions)[number];

export interface RequestedGrant {
  /** A topic pattern: `*` matches one segment, a final `**` one or more. */
  readonly topic: string;
  readonly action: GrantAction;
}

const shape = 'a JSON array of `{"topic": …, "action": "publish" | "subscribe"}`';

const schema: ValueSchema = {
  anyOf: [
    { type: 'string' },
    {
      type: 'array',
      items: {
        type: 'object',
        required: ['topic', 'action'],
        additionalProperties: false,
        properties: { topic: { type: 'string', minLength: 1 }, action: { enum: grantActions } },
      },
    },
  ],
};

/** Reads REQUESTED_GRANTS: JSON text in the environment, a list in YAML. */
export const requestedGrants: SettingParser<readonly RequestedGrant[]> = Object.assign(parse, { schema });

function parse(raw: unknown, { checkPattern }: SettingContext): Parsed<readonly RequestedGrant[]> {
  const list = typeof raw === 'string' ? parseJson(raw) : { value: raw };
  if ('problem' in list) return rejected('not-json', shape, list.problem);
  if (!Array.isArray(list.value)) return rejected('not-a-list', shape, 'not an array');
  const problems = list.value.flatMap((item: unknown, index) => {
    const problem = grantProblem(item, checkPattern);
    return problem === undefined ? [] : [`item ${index + 1} ${problem}`];
  });
  return problems.length > 0 ? rejected('bad-grant', shape, problems.join('; ')) : accepted(list.value.map(grantOf));
}

function grantProblem(item: unknown, checkPattern: CheckPattern): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return 'is not an object';
  const { topic, action, ...rest } = item as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) return `has the unknown key "${unknown}"`;
  if (typeof topic !== 'string' || topic === '') return 'has no `topic`';
  if (!grantActions.some((known) => known === action)) {
    return `has the action ${JSON.stringify(action) ?? 'nothing'}; there are publish and subscribe`;
  }
  const problem = checkPattern(topic);
  return problem === undefined ? undefined : `has the topic "${topic}": ${problem}`;
}

function grantOf(item: unknown): RequestedGrant {
  const { topic, action } = item as RequestedGrant;
  return { topic, action };
}

function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
