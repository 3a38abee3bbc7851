import { createInbox, headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { JetStreamError } from './nats-fault.ts';

/** One message of a batch. */
export interface StreamWrite {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface StreamEntry {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly header: (name: string) => string;
}

/** How long an answer may take before a request counts as lost. */
const answerTimeoutMs = 5_000;
const readAtOnce = { batch: 512, max_bytes: 8 * 1024 * 1024 } as const;

/** One stream of a NATS server, by requests to JetStream's API. */
export class Stream {
  readonly #connection: NatsConnection;
  readonly name: string;

  constructor(connection: NatsConnection, name: string) {
    this.#connection = connection;
    this.name = name;
  }

  /** @throws JetStreamError, or an error of the connection */
  async request(operation: string, body: unknown = {}): Promise<Record<string, unknown>> {
    const subject = `$JS.API.${operation}`;
    const answer = await this.#connection.request(subject, JSON.stringify(body), { timeout: answerTimeoutMs });
    return checked(answer.json());
  }

  /**
   * Stores all or none. Resolves with the sequence of the last one; the others have those before it.
   * @throws JetStreamError, which says that nothing was stored; any other error leaves that open.
   */
  async write(batchId: string, writes: readonly StreamWrite[]): Promise<number> {
    const connection = this.#connection;
    const last = writes.length - 1;
    for (const [index, { subject, data, headers: pairs }] of writes.entries()) {
      const all = headerList([...pairs, ['Nats-Batch-Id', batchId], ['Nats-Batch-Sequence', `${index + 1}`]]);
      if (index < last) {
        connection.publish(subject, data, { headers: all });
        continue;
      }
      all.set('Nats-Batch-Commit', '1');
      const answer = await connection.request(subject, data, { headers: all, timeout: answerTimeoutMs });
      return Number(checked(answer.json())['seq']);
    }
    throw new RangeError('a batch without messages');
  }

  /** Stores one message without any condition. */
  async writeOne({ subject, data, headers: pairs }: StreamWrite): Promise<number> {
    const options = { headers: headerList(pairs), timeout: answerTimeoutMs };
    return Number(checked((await this.#connection.request(subject, data, options)).json())['seq']);
  }

  /** Undefined if the replica that answers has no such message, or not yet. */
  async get(sequence: number): Promise<StreamEntry | undefined> {
    const subject = `$JS.API.DIRECT.GET.${this.name}`;
    const body = JSON.stringify({ seq: sequence });
    const { data, headers: found } = await this.#connection.request(subject, body, { timeout: answerTimeoutMs });
    return found && entryOf(found, data);
  }

  /** The next entries from a sequence, of one replica, which may lag but skips nothing. None: the replica has no more. */
  async read(from: number): Promise<readonly StreamEntry[]> {
    const reply = createInbox();
    const answers = this.#connection.subscribe(reply, { timeout: answerTimeoutMs });
    const body = JSON.stringify({ seq: from, next_by_subj: '>', ...readAtOnce });
    this.#connection.publish(`$JS.API.DIRECT.GET.${this.name}`, body, { reply });
    const entries: StreamEntry[] = [];
    for await (const { headers: found, data } of answers) {
      const entry = found && entryOf(found, data);
      // What is not an entry ends the answer.
      if (!entry) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Goes to another server, if there is one. */
  async reconnect(): Promise<void> {
    await this.#connection.reconnect();
  }

  /** Deletes what the filter matches below a sequence. */
  async purge(filter: string, below: number): Promise<void> {
    await this.request(`STREAM.PURGE.${this.name}`, { filter, seq: below });
  }
}

function headerList(pairs: StreamWrite['headers']): MsgHdrs {
  const list = headers();
  for (const [name, value] of pairs) list.set(name, value);
  return list;
}

function entryOf(found: MsgHdrs, data: Uint8Array): StreamEntry | undefined {
  if (!found.has('Nats-Sequence') || !found.has('Nats-Subject')) return undefined;
  return {
    sequence: Number(found.get('Nats-Sequence')),
    subject: found.get('Nats-Subject'),
    data,
    header: (name) => found.get(name),
  };
}

function checked(answer: unknown): Record<string, unknown> {
  const object = answer as {
    readonly error?: { readonly err_code: number; code: number; readonly description: string };
  };
  if (!object.error) return object as Record<string, unknown>;
  const { err_code: code, code: status, description } = object.error;
  throw new JetStreamError({ code, status, description });
}
