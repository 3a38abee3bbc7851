import type { Finding } from '../../audit/verify/finding.ts';
import type { Verdict } from '../../audit/verify/verify.ts';
import { alignColumns } from '../../base/align-columns.ts';

/** Findings that the text shows; JSON has more. */
const shownMax = 50;

/** The verdict for people: the runs, the messages, and what is wrong. */
export function verdictText({ files, runs, messages, findings, more }: Verdict): string {
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
  return `${[
    ...alignColumns([['WRITER', 'RUN', 'LINES', 'LOST', 'END'], ...rows]),
    '',
    `${lines} lines in ${files.length} ${files.length === 1 ? 'file' : 'files'}.`,
    `Messages: ${messages.published} published, ${messages.stored} stored, ${messages.routed} routed, ${messages.delivered} delivered.`,
    ...(findings.length === 0 ? ['Nothing was changed, cut or added, and no point is missing.'] : ['', ...shown]),
    ...(hidden > 0 ? [`and ${hidden} more; --json lists them`] : []),
  ].join('\n')}\n`;
}

function findingLine({ kind, file, line, text }: Finding): string {
  const where = [file, line].filter((part) => part !== undefined && part !== '').join(':');
  return `${kind}: ${where === '' ? '' : `${where}: `}${text}`;
}
