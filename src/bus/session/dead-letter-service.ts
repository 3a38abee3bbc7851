import type { Log } from '../../base/log/log.ts';
import { create, type MessageInitShape } from '../../contract/wire/codec/message.ts';
import {
  type DeadLetterSchema,
  ListDeadLettersReplySchema,
  ShowDeadLetterReplySchema,
} from '../../contract/wire/gen/meridian/bus/v1/dead_letters_pb.ts';
import { type Envelope, EnvelopeSchema } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { deadLetterMethods } from '../../contract/wire/methods.ts';
import { readMessage } from '../../contract/wire/read-message.ts';
import { type Route, serveUnary } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import type { RequireAdmin } from '../access/admin.ts';
import type { Store, StoredMessage } from '../store/store.ts';

/** Messages that are read at once: each may have nearly a mebibyte. */
const readSize = 16;
/** One answer looks at so many messages at most, and has so many dead letters at most, which fit into a message. */
const pageSize = { scanned: 1_024, letters: 64 } as const;

export interface DeadLetterServiceOptions {
  readonly store: Pick<Store, 'read' | 'get'>;
  readonly log: Log;
  readonly requireAdmin: RequireAdmin;
}

/** The RPCs by which administrators look at the dead letters in the log. */
export function deadLetterRoutes({ store, log, requireAdmin }: DeadLetterServiceOptions): Route[] {
  return [
    serveUnary(deadLetterMethods.list, async ({ after }, call) => {
      requireAdmin(call);
      return create(ListDeadLettersReplySchema, await pageAfter(store, after));
    }),
    serveUnary(deadLetterMethods.show, async ({ position }, call) => {
      const by = requireAdmin(call);
      const stored = await store.get(position);
      const envelope = stored && deadLetterIn(stored);
      if (!envelope) throw new RpcError('NOT_FOUND', `no dead letter is stored at position ${position}`);
      log.info('an administrator read a dead letter', { position, topic: envelope.meta?.topic, by });
      return create(ShowDeadLetterReplySchema, { envelope });
    }),
  ];
}

async function pageAfter(
  store: Pick<Store, 'read'>,
  after: bigint,
): Promise<MessageInitShape<typeof ListDeadLettersReplySchema>> {
  const deadLetters: MessageInitShape<typeof DeadLetterSchema>[] = [];
  let scannedTo = after;
  for (let scanned = 0; scanned < pageSize.scanned && deadLetters.length <= pageSize.letters - readSize; ) {
    const messages = await store.read(scannedTo, readSize);
    for (const message of messages) {
      const envelope = deadLetterIn(message);
      const { meta, payload } = envelope ?? {};
      if (meta && payload) deadLetters.push({ position: message.position, meta, payloadBytes: payload.length });
      scannedTo = message.position;
    }
    scanned += messages.length;
    if (messages.length < readSize) return { deadLetters, scannedTo, hasMore: false };
  }
  return { deadLetters, scannedTo, hasMore: true };
}

/** Undefined for any other message: only the bus sets these fields. */
function deadLetterIn({ envelope }: StoredMessage): Envelope | undefined {
  const read = readMessage(EnvelopeSchema, envelope.bytes);
  return read.meta?.failedSubscription ? read : undefined;
}
