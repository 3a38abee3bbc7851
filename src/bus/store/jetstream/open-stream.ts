import { type NatsConnection, nuid } from '@nats-io/transport-node';
import type { Scheduler } from '../../../base/time/scheduler.ts';
import { defaultRetention, type RetentionOptions } from '../retention.ts';
import { readUpTo } from './leading/stand-by.ts';
import { type Restored, StreamCopy } from './leading/stream-copy.ts';
import { checkServer, makeStream } from './make-stream.ts';
import { connectToNats, type NatsPlace } from './nats-connection.ts';
import { StreamTaken } from './nats-fault.ts';
import { Stream } from './stream.ts';
import { StreamWriter } from './stream-writer.ts';
import { Subjects } from './subjects.ts';

export interface StreamOptions {
  readonly nats: NatsPlace;
  /** Keeps the streams of several deployments apart. */
  readonly deployment: string;
  readonly replicas: number;
  /** The clock of the store. */
  readonly scheduler: Scheduler;
  /** Waits before a request is repeated. Absent: `scheduler`. */
  readonly retryScheduler?: Scheduler;
  readonly dedupWindowMs?: number;
  readonly retention?: RetentionOptions;
  /** NATS does not answer or does not store, and the store waits for it. */
  readonly onWait?: (reason: string) => void;
}

/** A stream that is there. */
export interface FoundStream {
  readonly connection: NatsConnection;
  readonly stream: Stream;
  readonly subjects: Subjects;
  readonly writer: StreamWriter;
}

/** A stream that this process alone may write, and what is in it. */
export interface OpenStream extends FoundStream, Restored {}

/**
 * Takes over the stream of a deployment, also from a process that writes it, and reads what is in it. `ifMissing`: whether it is made if there is none.
 * @throws UserFacingError
 */
export async function openStream(options: StreamOptions, ifMissing: 'make' | 'refuse'): Promise<OpenStream> {
  const found = await findStream(options, ifMissing);
  const { connection, stream, subjects, writer } = found;
  try {
    const copy = new StreamCopy(subjects, options);
    const upTo = await writer.takeOver();
    const { retryScheduler = options.scheduler } = options;
    if (!(await readUpTo({ stream, copy, scheduler: retryScheduler }, upTo))) throw new StreamTaken(stream.name);
    return { ...found, ...copy.tables() };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Connects to the stream of a deployment, and writes and reads nothing. @throws UserFacingError */
export async function findStream(options: StreamOptions, ifMissing: 'make' | 'refuse'): Promise<FoundStream> {
  const { retention = defaultRetention, scheduler, deployment, onWait = () => {} } = options;
  const { retryScheduler = scheduler } = options;
  const connection = await connectToNats(options.nats);
  try {
    void tellErrors(connection, onWait);
    checkServer(connection.info);
    const subjects = new Subjects(deployment);
    const stream = new Stream(connection, subjects.stream);
    const bytes = streamBytes(retention);
    await makeStream(stream, { subjects: subjects.all, replicas: options.replicas, bytes }, ifMissing, retryScheduler);
    const writer = new StreamWriter({
      stream,
      subject: subjects.writer,
      writerId: nuid.next(),
      scheduler: retryScheduler,
      onWait,
    });
    return { connection, stream, subjects, writer };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** A refused read has no answer, only an error of the connection. Ends with the connection. */
async function tellErrors(connection: NatsConnection, onWait: (reason: string) => void): Promise<void> {
  for await (const status of connection.status()) if (status.type === 'error') onWait(status.error.message);
}

/** Every message has up to some 200 bytes of headers, and records are stored before what they replace is deleted. */
function streamBytes({ bytes }: RetentionOptions): number {
  return bytes * 4 + 256 * 1024 * 1024;
}
