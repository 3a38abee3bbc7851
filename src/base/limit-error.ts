/** A value is over a limit. The message names limit and value. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
}
