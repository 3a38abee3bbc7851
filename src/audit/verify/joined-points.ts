import type { SealedLine } from '../audit-chain.ts';

/** What the points wrote of one message. */
interface Joined {
  readonly topic: string;
  readonly publisher: string;
  isAccepted: boolean;
  isAnswered: boolean;
  isStored: boolean;
  /** Receivers, by what is known of each. */
  readonly routed: Set<string>;
  readonly delivered: Set<string>;
}

export interface MissingPoint {
  readonly messageId: string;
  readonly traceId: string;
  readonly text: string;
}

export interface PointCounts {
  readonly published: number;
  readonly stored: number;
  readonly routed: number;
  readonly delivered: number;
}

/** The messages that are joined: some 400 bytes of memory each. */
export const joinedMax = 1_000_000;

/** Joins publish, route and deliver of messages by trace id and message id. Calls are not joined. */
export class JoinedPoints {
  readonly #messages = new Map<string, Joined>();
  #isFull = false;

  /** Whether there were more messages than are joined. */
  get isFull(): boolean {
    return this.#isFull;
  }

  add({ record }: SealedLine): void {
    const { kind, point, outcome } = record;
    const id = textOf(record['message_id']);
    if (kind !== 'message' || id === '') return;
    const message = this.#messageOf(`${textOf(record['trace_id'])} ${id}`, record);
    if (!message) return;
    const receiver = textOf(record['receiver']);
    if (point === 'publish') {
      message.isAnswered = true;
      message.isAccepted ||= outcome === 'accepted';
    }
    if (point === 'route' && outcome === 'stored') message.isStored = true;
    if (point === 'route' && outcome === 'routed') message.routed.add(receiver);
    if (point === 'deliver') message.delivered.add(receiver);
  }

  counts(): PointCounts {
    const all = [...this.#messages.values()];
    return {
      published: all.filter(({ isAccepted }) => isAccepted).length,
      stored: all.filter(({ isStored }) => isStored).length,
      routed: all.reduce((sum, { routed }) => sum + routed.size, 0),
      delivered: all.reduce((sum, { delivered }) => sum + delivered.size, 0),
    };
  }

  /** What a point should have written and has not, judged only by the writers whose lines are there: `bus`, and instance ids. */
  *missing(writers: ReadonlySet<string>): Generator<MissingPoint> {
    for (const [key, message] of this.#messages) {
      const [traceId = '', messageId = ''] = key.split(' ');
      for (const text of missingOf(message, writers)) yield { traceId, messageId, text };
    }
  }

  #messageOf(key: string, record: SealedLine['record']): Joined | undefined {
    const known = this.#messages.get(key);
    if (known) return known;
    this.#isFull = this.#messages.size >= joinedMax;
    if (this.#isFull) return undefined;
    const message: Joined = {
      topic: textOf(record['topic']),
      publisher: textOf(record['publisher']),
      ...{ isAccepted: false, isAnswered: false, isStored: false },
      ...{ routed: new Set(), delivered: new Set() },
    };
    this.#messages.set(key, message);
    return message;
  }
}

function* missingOf(message: Joined, writers: ReadonlySet<string>): Generator<string> {
  const { publisher, routed, delivered } = message;
  const has = (writer: string): boolean => writers.has(writer);
  if (message.isAccepted && has('bus') && !message.isStored)
    yield `${publisher} was told accepted, and the bus stored nothing`;
  if (message.isStored && has(publisher) && !message.isAnswered)
    yield `the bus stored it, and ${publisher} published nothing`;
  for (const receiver of routed) {
    if (has(receiver) && !delivered.has(receiver)) yield `the bus sent it to ${receiver}, which delivered nothing`;
  }
  for (const receiver of delivered) {
    if (has('bus') && !routed.has(receiver)) yield `${receiver} delivered it, and the bus sent it nothing`;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
