import type { Log } from '../../base/log/log.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { deadLetterFault } from '../../contract/wire/dead-letter.ts';
import { EndReason, type Subscribe } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { type Envelope, EnvelopeSchema, MessageMetaSchema } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../contract/wire/read-message.ts';
import { notGranted } from '../../contract/wire/topics/grants.ts';
import { traceIdOf } from '../../contract/wire/trace-context.ts';
import type { Registration } from '../ownership/registration.ts';
import { type Store, StoreFullError } from '../store/store.ts';
import type { BusTelemetry } from '../telemetry.ts';
import type { StoredUnder } from './feed.ts';
import type { FailedMessage } from './subscription-feed.ts';

export type DeadLetterRequest = Pick<Subscribe, 'name' | 'pattern' | 'maxAttempts' | 'deadLetterTopic'>;

/** Why a subscription's dead letters cannot be stored. Undefined if they can, or if it wants none. */
export function deadLetterRefusal(
  registration: Registration,
  request: DeadLetterRequest,
): { readonly reason: EndReason; readonly detail: string } | undefined {
  const fault = deadLetterFault(request);
  if (fault !== undefined) return { reason: EndReason.INVALID, detail: fault };
  const { deadLetterTopic } = request;
  if (deadLetterTopic === '' || registration.access.allowsPublish(deadLetterTopic)) return undefined;
  const detail = `the dead-letter topic: the bus has ${notGranted(registration.access, 'publish', deadLetterTopic)}`;
  return { reason: EndReason.NOT_GRANTED, detail };
}

export interface DeadLettersOptions {
  readonly store: Store;
  readonly registration: Registration;
  readonly request: DeadLetterRequest;
  readonly storedUnder: StoredUnder;
  readonly wallTimeNs: () => bigint;
  readonly log: Log;
  readonly telemetry: Pick<BusTelemetry, 'deadLettered'>;
  /** Called with the position that the subscription has finished. */
  readonly onPutAway: (position: bigint) => void;
}

/** Dead-letters the messages of one subscription that have used up all attempts. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /**
   * False if the message must be redelivered: attempts are left, or its dead letter is not allowed or cannot be stored now.
   * @throws StaleEpochError
   */
  async deadLetterIfExhausted({ message, attempts }: FailedMessage): Promise<boolean> {
    const { store, registration, request, storedUnder, log, telemetry, onPutAway } = this.#options;
    const { name, maxAttempts, deadLetterTopic } = request;
    if (maxAttempts === 0 || attempts < maxAttempts) return false;
    const { position } = message;
    const envelope = readMessage(EnvelopeSchema, message.envelope.bytes);
    const trace_id = traceIdOf(envelope.meta?.traceparent ?? '');
    const about = {
      instance: registration.owner.instanceId,
      name,
      messageId: envelope.meta?.messageId,
      attempts,
      trace_id,
    };
    try {
      // The grant may have been revoked since the subscription was opened.
      if (!registration.access.allowsPublish(deadLetterTopic)) throw new StoreFullError('there is no grant for it');
      await store.deadLetter(storedUnder.writer, storedUnder.name, {
        position,
        letter: this.#letterFor(envelope, position, attempts),
      });
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      log.warn('a dead letter was not stored, and its message is redelivered', { ...about, reason: messageOf(error) });
      return false;
    }
    log.warn('dead letter', { ...about, topic: envelope.meta?.topic, deadLetterTopic });
    telemetry.deadLettered(envelope.meta, registration.owner.instanceId, {
      ...{ subscription: name, attempts, deadLetterTopic, payloadType: envelope.payloadType },
    });
    onPutAway(position);
    return true;
  }

  #letterFor(envelope: Envelope, position: bigint, attempts: number): Envelope {
    const { registration, request, wallTimeNs } = this.#options;
    const { instanceId, epoch } = registration.owner;
    const { messageId = '', topic = '', publisherInstanceId = '', publishedAtNs = 0n } = envelope.meta ?? {};
    const nowNs = wallTimeNs();
    const { payloadType, payload } = envelope;
    const meta = create(MessageMetaSchema, { ...envelope.meta });
    meta.messageId = `${instanceId}-${epoch}-dead-${request.name}-${position}`;
    meta.causationId = messageId;
    meta.publisherInstanceId = instanceId;
    meta.topic = request.deadLetterTopic;
    meta.publishedAtNs = nowNs;
    meta.tsInitNs = nowNs;
    meta.dedupKey = '';
    meta.originalTopic = topic;
    meta.originalPublisherInstanceId = publisherInstanceId;
    meta.originalPublishedAtNs = publishedAtNs;
    meta.failedSubscription = request.name;
    meta.failedAttempts = attempts;
    return create(EnvelopeSchema, { payloadType, payload, meta });
  }
}
