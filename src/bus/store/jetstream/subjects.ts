import { createHash } from 'node:crypto';

/** The subjects of one deployment's stream. */
export class Subjects {
  /** Of the stream itself. */
  readonly stream: string;
  readonly all: string;
  readonly messages: string;
  /** Rewritten by every batch, on the condition that nobody else rewrote it. It is the fence of the whole stream. */
  readonly writer: string;
  readonly #prefix: string;

  /** The name of a deployment: 1 to 32 characters of `A-Za-z0-9_-`. */
  constructor(deployment: string) {
    this.#prefix = `meridian.${deployment}.`;
    this.stream = `meridian-${deployment}`;
    this.all = `${this.#prefix}>`;
    this.messages = `${this.#prefix}msg.>`;
    this.writer = `${this.#prefix}writer`;
  }

  message(topic: string): string {
    return `${this.#prefix}msg.${topic}`;
  }

  /** The topic of a message's subject; undefined for a record. */
  topicOf(subject: string): string | undefined {
    const start = this.message('');
    return subject.startsWith(start) ? subject.slice(start.length) : undefined;
  }

  /** The subject of a record. What identifies it may be any text, so the subject has its hash. */
  record(kind: RecordKind, ...identity: readonly string[]): string {
    const hash = createHash('sha256').update(JSON.stringify(identity)).digest('base64url');
    return `${this.#prefix}${kind}.${hash}`;
  }

  /** The kind of a record's subject. */
  kindOf(subject: string): string {
    return subject.slice(this.#prefix.length).split('.')[0] ?? '';
  }
}

export type RecordKind = 'log' | 'epoch' | 'pub' | 'key' | 'sub' | 'state' | 'grant' | 'move';
