/** What is wrong with a line of an audit log, or beside it. */
export type FindingKind =
  /** The hash is not that of the line and the one before: one of both is not as it was written. */
  | 'changed'
  /** Lines are missing. */
  | 'cut'
  /** Lines that belong to no chain, or are there twice. */
  | 'added'
  /** A run without its closing line: its process was killed, or its last lines were cut. */
  | 'unfinished'
  /** A message that one of its points should have, and has not. */
  | 'missing';

export interface Finding {
  readonly kind: FindingKind;
  readonly file: string;
  /** From 1; absent if it is not about one line. */
  readonly line?: number;
  readonly text: string;
}
