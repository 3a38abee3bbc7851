import { stripVTControlCharacters } from 'node:util';
import { ErrorList, messageOf, UserFacingError } from '../../base/user-facing-error.ts';

/** The messages that every Compose with providers accepts. */
const oldest = ['info', 'debug', 'error', 'setenv'];

export type MessageType =
  | 'info'
  | 'debug'
  | 'error'
  | 'setenv'
  | 'rawsetenv'
  | 'publish-endpoint'
  | 'get-service-config';

export interface ProtocolOptions {
  /** Writes one JSON document with its newline. */
  readonly write: (text: string) => void;
  /** COMPOSE_PROVIDER_MESSAGES: the messages that this Compose accepts, separated by commas; undefined: unknown. */
  readonly accepted: string | undefined;
}

/** Sends messages to Compose, one JSON document each. A message that this Compose could not read is not sent. */
export class Protocol {
  readonly #options: ProtocolOptions;
  readonly #accepted: ReadonlySet<string>;

  constructor(options: ProtocolOptions) {
    this.#options = options;
    const named = options.accepted?.split(',').map((name) => name.trim()) ?? [];
    this.#accepted = new Set(named.length > 0 ? named : oldest);
  }

  /**
   * Whether this Compose accepts such messages. When that is unknown, `rawsetenv` is sent too, since only an option asks for
   * it.
   */
  takes(type: MessageType): boolean {
    return this.#accepted.has(type) || (type === 'rawsetenv' && this.#options.accepted === undefined);
  }

  /**
   * Whether this Compose, before each `up`, removes every container of a provider's service that is not its own relay: it takes
   * them for leftovers of a service without provider. Versions with relays (5.6 and later) do.
   */
  get removesServiceContainers(): boolean {
    return this.takes('publish-endpoint');
  }

  /** Progress, which Compose shows as the state of the service. */
  info(text: string): void {
    this.#send('info', oneLine(text));
  }

  /** Shown with `docker compose --verbose`. */
  debug(text: string): void {
    this.#send('debug', oneLine(text));
  }

  /**
   * Ends the command: Compose kills the provider once it has read this message, so no work may be left. Each text gets a line of
   * its own where Compose shows lines; before 5.1.3 they break its table, and a Compose that names what it accepts is newer.
   */
  error(...texts: readonly string[]): void {
    const showsLines = this.#options.accepted !== undefined;
    this.#send('error', texts.map(oneLine).join(showsLines ? '\n' : ' '));
  }

  /** A variable for dependents. Compose puts the service's name in capitals before it, unless it is raw. */
  setenv(name: string, value: string, { raw = false } = {}): void {
    this.#send(raw ? 'rawsetenv' : 'setenv', `${name}=${value}`);
  }

  /** Compose answers with a line on stdin. */
  askServiceConfig(): void {
    this.#send('get-service-config');
  }

  #send(type: MessageType, message?: string): void {
    if (this.takes(type)) this.#options.write(`${JSON.stringify({ type, message })}\n`);
  }
}

/** An error as the short texts that Compose shows, the last with the file that contains the rest. */
export function errorTexts(error: unknown, logFile: string | undefined): readonly string[] {
  const errors = error instanceof ErrorList ? error.errors : [error];
  const numbered = errors.map((fault, index) => (errors.length > 1 ? `(${index + 1}) ` : '') + faultLine(fault));
  return logFile === undefined ? numbered : [...numbered, `Log: ${logFile}`];
}

function faultLine(fault: unknown): string {
  if (!(fault instanceof UserFacingError)) return `${sentence(messageOf(fault))} This is a bug in the provider. [bug]`;
  const parts = [fault.message, fault.expected ?? '', ...fault.next].filter((part) => part !== '').map(sentence);
  return `${parts.join(' ')} [${fault.id}]`;
}

function sentence(text: string): string {
  return /[.?!`]$/.test(text) ? text : `${text}.`;
}

function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .trim()
    .replaceAll(/\s*[\r\n]+\s*/g, ' | ')
    .replaceAll(/\s*\p{Cc}+\s*/gu, ' ');
}
