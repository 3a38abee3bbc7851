/** Text that only `reveal` shows. Printing, logging or serialising its object does not. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '(secret)';
  }

  toJSON(): string {
    return '(secret)';
  }
}

/** The source of a credential: a text, or a file that is read for each connection, since it may rotate. */
export type CredentialSource = { readonly file: string } | { readonly text: Secret };
