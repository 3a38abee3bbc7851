import { isMap, LineCounter, parseDocument } from 'yaml';
import { FaultList, messageOf, UserFacingError } from '../base/user-facing-error.ts';
import type { Grant } from '../contract/wire/grants.ts';
import { containsPattern, patternFault } from '../contract/wire/topic.ts';
import { type PolicyTokens, parseTokens } from './policy-tokens.ts';
import { parseQuotas, type Quotas } from './quotas.ts';

/** What one principal may be: instance ids, pool types, and the most it can be granted. */
export interface PolicyRule {
  /** Globs: `*` stands for any run of characters. */
  readonly principals: readonly string[];
  readonly instances: readonly string[];
  readonly pools: readonly string[];
  readonly grants: readonly Grant[];
  /** What differs from the default quotas. */
  readonly quotas?: Partial<Quotas>;
}

/** Who may be what on this deployment; made from a policy file. */
export interface Policy {
  readonly deploymentId: string;
  readonly rules: readonly PolicyRule[];
  /** Who a caller with a bearer token is; absent: no token is known. */
  readonly tokens?: PolicyTokens;
}

export interface Applicant {
  readonly principal: string;
  readonly instanceId: string;
  readonly poolType: string;
}

export type Decision =
  | { readonly admitted: true; readonly granted: readonly Grant[]; readonly denied: readonly Grant[] }
  | { readonly admitted: false; readonly reason: string };

/**
 * Decides a registration. A request that asks for nothing gets all that the policy gives to its principal and pool type.
 */
export function decide(policy: Policy, applicant: Applicant, requested: readonly Grant[]): Decision {
  const rules = policy.rules.filter(
    (rule) =>
      globMatches(rule.principals, applicant.principal) &&
      globMatches(rule.instances, applicant.instanceId) &&
      globMatches(rule.pools, applicant.poolType),
  );
  if (rules.length === 0) {
    const { principal, instanceId, poolType } = applicant;
    return {
      admitted: false,
      reason: `no policy rule lets principal "${principal}" be "${instanceId}" of ${poolType}`,
    };
  }
  const allowed = rules.flatMap((rule) => rule.grants);
  if (requested.length === 0) return { admitted: true, granted: allowed, denied: [] };
  const isAllowed = (wanted: Grant): boolean =>
    allowed.some((grant) => grant.action === wanted.action && containsPattern(grant.pattern, wanted.pattern));
  return {
    admitted: true,
    granted: requested.filter(isAllowed),
    denied: requested.filter((wanted) => !isAllowed(wanted)),
  };
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
 * ```
 * @throws FaultList of `bus/policy/*` faults, all found in one pass.
 */
export function parsePolicy(file: { readonly path: string; readonly text: string }): Policy {
  const faults: UserFacingError[] = [];
  const { deployment, rules, tokens, ...others } = readMapping(file, faults);
  if (faults.length > 0) throw new FaultList(faults);
  const fault = (found: string): void => void faults.push(policyFault(file.path, 'value', found));
  for (const key of Object.keys(others)) fault(`the file has an unknown key \`${key}\``);
  if (typeof deployment !== 'string' || deployment === '') fault('`deployment` is not a name');
  if (!Array.isArray(rules) || rules.length === 0) fault('`rules` is not a list of at least one rule');
  const parsed = (Array.isArray(rules) ? rules : []).map((rule, index) => parseRule(rule, `rules[${index}]`, fault));
  const holders = tokens === undefined ? undefined : parseTokens(tokens, fault);
  if (faults.length > 0) throw new FaultList(faults);
  return { deploymentId: String(deployment), rules: parsed, ...(holders && { tokens: holders }) };
}

function readMapping(
  file: { readonly path: string; readonly text: string },
  faults: UserFacingError[],
): Readonly<Record<string, unknown>> {
  const document = parseDocument(file.text, { lineCounter: new LineCounter() });
  // One misplaced character makes the parser find fault with much of what follows it.
  for (const { linePos, message } of document.errors.slice(0, 1)) {
    const line = linePos?.[0].line ?? '?';
    faults.push(policyFault(file.path, 'syntax', `line ${line} is not YAML: ${message.split('\n')[0]}`));
  }
  if (faults.length > 0 || !isMap(document.contents)) return {};
  try {
    return document.toJS();
  } catch (error) {
    // Aliases are resolved only here, and an unquoted glob such as `*-plugin` is one.
    faults.push(policyFault(file.path, 'syntax', `the file is not YAML: ${messageOf(error)}; quote texts with a star`));
    return {};
  }
}

const ruleKeys = ['principals', 'instances', 'pools', 'quotas', 'publish', 'subscribe'];

function parseRule(raw: unknown, where: string, fault: (found: string) => void): PolicyRule {
  const rule = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<string, unknown>;
  for (const key of Object.keys(rule)) {
    if (!ruleKeys.includes(key)) fault(`${where} has an unknown key \`${key}\``);
  }
  const list = (key: string, needed: boolean): string[] => {
    const value = rule[key] ?? [];
    const texts = Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
    const isList = Array.isArray(value) && texts.length === value.length;
    if (!isList || (needed && texts.length === 0))
      fault(`${where}.${key} is not a list of ${needed ? 'at least one text' : 'texts'}`);
    return texts;
  };
  const grants = (['publish', 'subscribe'] as const).flatMap((action) =>
    list(action, false).map((pattern) => {
      const wrong = patternFault(pattern);
      if (wrong !== undefined) fault(`${where}.${action} "${pattern}": ${wrong}`);
      return { pattern, action };
    }),
  );
  return {
    principals: list('principals', true),
    instances: list('instances', true),
    pools: list('pools', true),
    grants,
    ...(rule.quotas !== undefined && { quotas: parseQuotas(rule.quotas, where, fault) }),
  };
}

/** Whether one of the globs, in which `*` stands for any run of characters, is the text. */
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
      'A policy has `deployment: NAME`, `rules:`, each with principals, instances, pools, publish and subscribe, and may have `tokens:`.',
    next: [`Correct ${path} and start the bus again.`],
    exitCode: 78,
  });
}
