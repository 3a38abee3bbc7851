import { wrappedRows } from '../base/output/terminal-table.ts';
import type { TestResult } from './run-conformance.ts';
import type { Outcome } from './scenario-result.ts';

const marks: Readonly<Record<Outcome, string>> = { passed: 'pass', failed: 'FAIL', 'not applicable': 'n/a' };

/** The results as a table for people. The last lines of the plugin's output follow each failed test. */
export function tableOf(results: readonly TestResult[], columns: number | undefined): string {
  const rows = results.map(({ test, outcome, durationMs, seen }) => [
    test.group,
    test.name,
    marks[outcome],
    `${(durationMs / 1_000).toFixed(1)} s`,
    seen,
  ]);
  const lines = wrappedRows(rows, columns);
  const failures = results.filter(({ outcome }) => outcome === 'failed');
  return `${[...lines, '', summaryOf(results), ...failures.flatMap(outputOf)].join('\n')}\n`;
}

/** The results for programs: one JSON object. */
export function jsonOf(results: readonly TestResult[]): string {
  const tests = results.map(({ test: { id, name, group, sentence }, ...rest }) => ({
    id,
    name,
    group,
    sentence,
    ...rest,
  }));
  return `${JSON.stringify({ passed: !hasFailure(results), tests }, undefined, 2)}\n`;
}

/** The results as JUnit's XML, which most CI systems read. */
export function junitOf(results: readonly TestResult[], command: string): string {
  const cases = results.map(({ test, outcome, durationMs, seen, output }) => {
    const open = `  <testcase classname="conformance.${test.group}" name="${xml(test.name)}" time="${durationMs / 1_000}"`;
    if (outcome === 'passed') return `${open}/>`;
    const inside =
      outcome === 'failed'
        ? `<failure message="${xml(seen)}">${xml(output.join('\n'))}</failure>`
        : `<skipped message="${xml(seen)}"/>`;
    return `${open}>${inside}</testcase>`;
  });
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  const counts = `tests="${results.length}" failures="${count('failed')}" skipped="${count('not applicable')}"`;
  const suite = `<testsuite name="${xml(command)}" ${counts}>`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', suite, ...cases, '</testsuite>', ''].join('\n');
}

export function hasFailure(results: readonly TestResult[]): boolean {
  return results.some(({ outcome }) => outcome === 'failed');
}

function summaryOf(results: readonly TestResult[]): string {
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('not applicable')} not applicable`;
}

function outputOf({ test, seen, output }: TestResult): string[] {
  const lines = output.length > 0 ? output.map((line) => `  | ${line}`) : ['  | (no output)'];
  return ['', `${test.name} failed: ${seen}. A plugin that passes ${test.sentence}. Its last output:`, ...lines];
}

function xml(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    '\n': '&#10;',
  };
  const withoutControls = text.replaceAll(/\p{Cc}/gu, (character) => (character === '\n' ? character : ''));
  return withoutControls.replaceAll(/[&<>"\n]/g, (character) => escapes[character] ?? '');
}
