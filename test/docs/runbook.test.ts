import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { exitCodes } from '../../src/contract/config/exit-codes.ts';
import { readPage } from './examples.ts';

const page = readPage('runbook.md');
const sections = [...page.matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading);
const rules = parse(readFileSync(path.resolve('fixtures/prometheus/alerts.yml'), 'utf8')) as {
  groups: { rules: { alert: string; annotations: { runbook: string } }[] }[];
};
const alerts = rules.groups.flatMap((group) => group.rules);

test('the runbook has a section for each alert and each exit code, and no other', () => {
  const codes = [...new Set(Object.values(exitCodes))].sort((one, other) => one - other);
  expect(sections).toEqual([...alerts.map(({ alert }) => alert), ...codes.map(String)]);
});

test('each alert names its section of the runbook', () => {
  for (const { alert, annotations } of alerts) {
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
  }
});
