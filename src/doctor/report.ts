import { alignColumns } from '../base/align-columns.ts';
import { renderError } from '../base/user-facing-error.ts';
import type { Finding } from './finding.ts';
import type { ShownSetting } from './setting-table.ts';

/** The settings, checks and problems of one place. */
export interface DoctorReport {
  /** Such as `application oms of manifest.yml` or `this container`. */
  readonly subject: string;
  readonly settings: readonly ShownSetting[];
  /** Successful and skipped checks, a sentence each. */
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

/** The report as text for a terminal or a log: the settings, then the notes, then errors, then warnings. */
export function renderReport({ subject, settings, notes, findings }: DoctorReport): string {
  const rows = settings.map(({ name, value, source }) => [name, value, source]);
  const table = alignColumns([['SETTING', 'VALUE', 'SOURCE'], ...rows], 44);
  const blocks = [
    [subject],
    table,
    ...(notes.length > 0 ? [notes] : []),
    ...inOrder(findings).map(({ severity, fault }) => [`${severity}: ${renderError(fault)}`]),
    [summaryOf(findings)],
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** The report as a value for `JSON.stringify`. */
export function reportAsJson({ subject, settings, notes, findings }: DoctorReport): unknown {
  return {
    subject,
    settings,
    notes,
    findings: inOrder(findings).map(({ severity, fault }) => ({
      severity,
      id: fault.id,
      found: fault.message,
      expected: fault.expected,
      next: fault.next,
    })),
  };
}

function inOrder(findings: readonly Finding[]): Finding[] {
  return ['error', 'warning'].flatMap((severity) => findings.filter((each) => each.severity === severity));
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity'], word: string): string[] => {
    const many = findings.filter((each) => each.severity === severity).length;
    return many === 0 ? [] : [`${many} ${word}${many === 1 ? '' : 's'}`];
  };
  return [...count('error', 'error'), ...count('warning', 'warning')].join(', ') || 'nothing wrong found';
}
