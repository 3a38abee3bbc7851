import type { Finding } from '../../audit/verify/finding.ts';
import type { Verdict } from '../../audit/verify/verify.ts';
import { headedTable } from '../../base/output/terminal-table.ts';
import { wrapText } from '../../base/output/wrapped-text.ts';

/** Findings that the text shows; JSON has more. */
const shownMax = 50;

/** The verdict for people: the runs, the messages, and what is wrong. */
export function verdictText({ files, runs, messages, findings, more }: Verdict, columns: number | undefined): string {
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  const rows = runs.map(({ writer, run, lines: count, lost, isClosed }) => [
    writer ?? '(unknown)',
    run,
    `${count}`,
    `${lost}`,
    isClosed ? 'closed' : 'open',
  ]);
  const shown = findings.slice(0, shownMax).map(findingLine);
  const hidden = findings.length - shown.length + more;
  const table = headedTable(['WRITER', 'RUN', 'LINES', 'LOST', 'END'], rows, columns);
  const rest = [
    '',
    `${lines} lines in ${files.length} ${files.length === 1 ? 'file' : 'files'}.`,
    `Messages: ${messages.published} published, ${messages.stored} stored, ${messages.routed} routed, ${messages.delivered} delivered.`,
    ...(findings.length === 0 ? ['Nothing was changed, cut or added, and no point is missing.'] : ['', ...shown]),
    ...(hidden > 0 ? [`and ${hidden} more; --json lists them`] : []),
  ].join('\n');
  return `${table.join('\n')}\n${wrapText(rest, columns)}\n`;
}

function findingLine({ kind, file, line, text }: Finding): string {
  const where = [file, line].filter((part) => part !== undefined && part !== '').join(':');
  return `${kind}: ${where === '' ? '' : `${where}: `}${text}`;
}
