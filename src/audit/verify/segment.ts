import type { SealedLine } from '../audit-chain.ts';

/** The lines of one run that stand together in one file. */
export interface Segment {
  readonly file: string;
  readonly run: string;
  readonly first: SealedLine;
  readonly firstLine: number;
  last: SealedLine;
  lastLine: number;
  lines: number;
  /** Lines that the writer itself says it lost. */
  lost: number;
  /** Lines that are missing inside of the segment, before the line given. */
  readonly gaps: { readonly before: number; readonly lines: number }[];
  /** The hash of the line before in the same file, of whatever run. */
  readonly preceding: string | undefined;
}

export const isOpening = ({ record }: SealedLine): boolean => record['point'] === 'open';
export const isClosing = ({ record }: SealedLine): boolean => record['point'] === 'close';

/** The writer that an opening or closing line names. */
export function writerOf({ record }: SealedLine): string | undefined {
  return typeof record['writer'] === 'string' ? record['writer'] : undefined;
}
