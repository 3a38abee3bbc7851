/**
 * A message as its encoding. It may stand in for the message where that is only sent on, and is then written as it is: its fields cannot be
 * read. It shares its memory only with others of its kind.
 */
export class Encoded<T> {
  readonly bytes: Uint8Array;
  /** Only for the compiler, so that one kind is not taken for another. */
  declare readonly of: T;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
