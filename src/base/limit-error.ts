/** Something is over a limit; the message names limit and value. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
}
