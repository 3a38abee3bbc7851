import { isMap, LineCounter, parseDocument } from 'yaml';
import { ErrorList, messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { parseQuotas, type Quotas } from '../quotas/quotas.ts';
import { type PolicyTokens, parseTokens } from './policy-tokens.ts';

/** The claims that a principal may make: instance ids, pool types, and the upper bound of its grants. */
export interface PolicyRule {
  /** Globs: `*` matches any run of characters. */
  readonly principals: readonly string[];
  readonly instances: readonly string[];
  readonly pools: readonly string[];
  readonly grants: readonly Grant[];
  /** Differences from the default quotas. */
  readonly quotas?: Partial<Quotas>;
  /** `manual`: an administrator must approve what the rule allows. Absent: `auto`. */
  readonly approval?: 'auto' | 'manual';
}

/** The permissions of a deployment, from a policy file. */
export interface Policy {
  readonly deploymentId: string;
  readonly rules: readonly PolicyRule[];
  /** Globs of the principals that may approve and revoke. Absent: none may. */
  readonly admins?: readonly string[];
  /** The principals of bearer tokens. Absent: no token is known. */
  readonly tokens?: PolicyTokens;
}

/**
 * Reads a policy file.
 *
 * ```yaml
 * deployment: local
 * rules:
 *   - principals: ["*"]
 *     instances: ["node-plugin-*"]
 *     pools: [SignalPool]
 *     publish: [platform.signal.**]
 *     subscribe: [platform.data.*]
 *     approval: manual
 * admins: [ops]
 * ```
 * @throws ErrorList of `bus/policy/*` errors, all found in one pass.
 */
export function parsePolicy(file: { readonly path: string; readonly text: string }): Policy {
  const errors: UserFacingError[] = [];
  const { deployment, rules, admins = [], tokens, ...others } = readMapping(file, errors);
  if (errors.length > 0) throw new ErrorList(errors);
  const fault = (found: string): void => void errors.push(policyFault(file.path, 'value', found));
  for (const key of Object.keys(others)) fault(`the file has an unknown key \`${key}\``);
  if (typeof deployment !== 'string' || deployment === '') fault('`deployment` is not a name');
  if (!Array.isArray(rules) || rules.length === 0) fault('`rules` is not a list of at least one rule');
  const parsed = (Array.isArray(rules) ? rules : []).map((rule, index) => parseRule(rule, `rules[${index}]`, fault));
  if (!isListOfTexts(admins)) fault('`admins` is not a list of texts');
  const holders = tokens === undefined ? undefined : parseTokens(tokens, fault);
  if (errors.length > 0) throw new ErrorList(errors);
  return {
    deploymentId: String(deployment),
    rules: parsed,
    admins: isListOfTexts(admins) ? admins : [],
    ...(holders && { tokens: holders }),
  };
}

function readMapping(
  file: { readonly path: string; readonly text: string },
  errors: UserFacingError[],
): Readonly<Record<string, unknown>> {
  const document = parseDocument(file.text, { lineCounter: new LineCounter() });
  // One misplaced character causes many later errors of the parser, so only the first is shown.
  for (const { linePos, message } of document.errors.slice(0, 1)) {
    const line = linePos?.[0].line ?? '?';
    errors.push(policyFault(file.path, 'syntax', `line ${line} is not YAML: ${message.split('\n')[0]}`));
  }
  if (errors.length > 0 || !isMap(document.contents)) return {};
  try {
    return document.toJS();
  } catch (error) {
    // Aliases are resolved only here, and an unquoted glob such as `*-plugin` is an alias.
    errors.push(policyFault(file.path, 'syntax', `the file is not YAML: ${messageOf(error)}; quote texts with a star`));
    return {};
  }
}

const ruleKeys = ['principals', 'instances', 'pools', 'quotas', 'publish', 'subscribe', 'approval'];

function parseRule(raw: unknown, where: string, fault: (found: string) => void): PolicyRule {
  const rule = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<string, unknown>;
  for (const key of Object.keys(rule)) {
    if (!ruleKeys.includes(key)) fault(`${where} has an unknown key \`${key}\``);
  }
  const list = (key: string, needed: boolean): string[] => {
    const value = rule[key] ?? [];
    const texts = Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
    if (!isListOfTexts(value) || (needed && texts.length === 0))
      fault(`${where}.${key} is not a list of ${needed ? 'at least one text' : 'texts'}`);
    return texts;
  };
  const grants = (['publish', 'subscribe'] as const).flatMap((action) =>
    list(action, false).map((pattern) => {
      const wrong = patternProblem(pattern);
      if (wrong !== undefined) fault(`${where}.${action} "${pattern}": ${wrong}`);
      return { pattern, action };
    }),
  );
  const { approval = 'auto' } = rule;
  if (approval !== 'auto' && approval !== 'manual') fault(`${where}.approval is neither auto nor manual`);
  return {
    principals: list('principals', true),
    instances: list('instances', true),
    pools: list('pools', true),
    grants,
    ...(rule.quotas !== undefined && { quotas: parseQuotas(rule.quotas, where, fault) }),
    approval: approval === 'manual' ? 'manual' : 'auto',
  };
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Whether one of the globs matches the text; `*` matches any run of characters. */
export function globMatches(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => {
    const pattern = glob.split('*').map((part) => part.replaceAll(/[^\w-]/g, String.raw`\$&`));
    return new RegExp(`^${pattern.join('.*')}$`, 's').test(text);
  });
}

function policyFault(path: string, kind: 'syntax' | 'value', found: string): UserFacingError {
  return new UserFacingError({
    id: `bus/policy/${kind}`,
    found: `${path}: ${found}`,
    expected:
      'A policy has `deployment: NAME`, `rules:`, each with principals, instances, pools, publish, subscribe and approval, and may have `admins:` and `tokens:`.',
    next: [`Correct ${path}; a bus that runs reads it again by itself.`],
    exitCode: 78,
  });
}
