import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { alignColumns } from '../base/align-columns.ts';
import { wrappedRows } from '../base/output/terminal-table.ts';
import { wrapText } from '../base/output/wrapped-text.ts';
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

/** Where a report is printed. `columns` is the width of a terminal; only a terminal gets colours. */
export type ReportOutput = Writable & { readonly columns?: number };

const colours = { error: 'red', warning: 'yellow' } as const;

/** The report as text for a terminal or a log: the settings, then the notes, then errors, then warnings. */
export function renderReport({ subject, settings, notes, findings }: DoctorReport, output: ReportOutput): string {
  const { columns } = output;
  const blocks = [
    wrapText(subject, columns),
    settingLines(settings, columns).join('\n'),
    ...(notes.length > 0 ? [wrapText(notes.join('\n'), columns)] : []),
    ...inOrder(findings).map((finding) => findingText(finding, output)),
    findings.length === 0 ? styleText('green', summaryOf(findings), { stream: output }) : summaryOf(findings),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function findingText({ severity, fault }: Finding, output: ReportOutput): string {
  const text = wrapText(`${severity}: ${renderError(fault)}`, output.columns);
  return `${styleText(colours[severity], severity, { stream: output })}${text.slice(severity.length)}`;
}

/** In a terminal that is too narrow for a row, its value is wrapped in its own column, and the source is behind it. */
function settingLines(settings: readonly ShownSetting[], columns: number | undefined): string[] {
  const rows = [['SETTING', 'VALUE', 'SOURCE'], ...settings.map(({ name, value, source }) => [name, value, source])];
  const nameWidth = Math.max(...rows.map(([name = '']) => name.length));
  const sourceWidth = Math.min(20, Math.max(...rows.map(([, , source = '']) => source.length)));
  const valueWidth = columns === undefined ? 44 : Math.min(44, columns - nameWidth - sourceWidth - 4);
  return alignColumns(rows, Math.max(nameWidth, valueWidth)).flatMap((line, index) => {
    const [name = '', value = '', source = ''] = rows[index] ?? [];
    if (columns === undefined || line.length <= columns) return [line];
    return wrappedRows([[name.padEnd(nameWidth), `${value} (${source})`]], columns);
  });
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
