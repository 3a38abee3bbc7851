/** Text that only `reveal` shows: printing, logging or serialising the object that holds it does not. */
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

/** Where a credential is: in a file, which is read anew for each connection since it may rotate, or at hand. */
export type CredentialSource = { readonly file: string } | { readonly text: Secret };
