import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const rulesFile = path.resolve(import.meta.dirname, '../../fixtures/prometheus/alerts.yml');

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

/** The alerts of fixtures/prometheus. */
export const alertRules: readonly AlertRule[] = (
  parse(readFileSync(rulesFile, 'utf8')) as { readonly groups: readonly { readonly rules: readonly AlertRule[] }[] }
).groups.flatMap(({ rules }) => rules);
