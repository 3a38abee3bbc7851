import type { Envelope } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { PublishAttempt } from './conduct.ts';
import { failed, passed, type Verdict } from './verdict.ts';

// Each judges messages that were stored, of which there is at least one.

export function judgeEnvelopes(envelopes: readonly Envelope[]): Verdict {
  for (const { meta, payloadType } of envelopes) {
    const required = {
      message_id: meta?.messageId,
      publisher_instance_id: meta?.publisherInstanceId,
      topic: meta?.topic,
      published_at_ns: meta?.publishedAtNs,
      payload_type: payloadType,
    };
    const missing = Object.entries(required).flatMap(([name, value]) => (value ? [] : [name]));
    if (missing.length > 0) return failed(`a message on ${meta?.topic} has no ${missing.join(', ')}`);
  }
  return passed(`${count(envelopes)} with every required field`);
}

/** `refused`: the attempts that the sidecar did not accept. */
export function judgeTimestamps(envelopes: readonly Envelope[], refused: readonly PublishAttempt[]): Verdict {
  const tooFar = refused.find(({ answer }) => answer?.reason.startsWith('ts_event'));
  if (tooFar) return failed(`a publish on ${tooFar.request.topic} was refused: ${tooFar.answer?.reason}`);
  for (const { meta } of envelopes) {
    const { topic = '', tsEventNs = 0n, tsInitNs = 0n } = meta ?? {};
    if (tsEventNs <= 0n || tsInitNs <= 0n)
      return failed(`a message on ${topic} has ts_event ${tsEventNs}, ts_init ${tsInitNs}`);
    if (tsInitNs < tsEventNs) return failed(`a message on ${topic} has its ts_init before its ts_event`);
  }
  return passed(`${count(envelopes)} with ts_event and ts_init in order`);
}

/** Of https://semver.org, version 2.0.0: three numbers without leading zeros, a pre-release, build metadata. */
const semver =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*)?(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$/;

/** `registered`: the version given to Register. */
export function judgeSchemaVersions(registered: string, envelopes: readonly Envelope[]): Verdict {
  if (!semver.test(registered)) return failed(`it registered with schema version "${registered}"`);
  const wrong = envelopes.find(({ meta }) => !semver.test(meta?.schemaVersion ?? ''))?.meta;
  if (wrong) return failed(`a message on ${wrong.topic} has schema version "${wrong.schemaVersion}"`);
  return passed(`${registered} at Register${envelopes.length > 0 ? ` and on ${count(envelopes)}` : ''}`);
}

/** Judges the keys of what one event after the other, and after a restart the same events again, were published with. */
export function judgeDedupKeys(before: readonly PublishAttempt[], after: readonly PublishAttempt[]): Verdict {
  const all = [...before, ...after].filter(({ answer }) => answer?.accepted !== false);
  const keyless = all.find(({ request }) => request.dedupKey === '');
  if (keyless) return failed(`a publish on ${keyless.request.topic} has no dedup key`);
  for (const [index, { request }] of all.entries()) {
    const other = all.slice(0, index).find((earlier) => sameKey(earlier, request) && !sameEvent(earlier, request));
    if (other) return failed(`two events on ${request.topic} share the dedup key "${request.dedupKey}": one is lost`);
  }
  const repeated = after.filter(({ request }) => before.some((earlier) => sameEvent(earlier, request)));
  const anew = repeated.find(({ request }) => !before.some((earlier) => sameKey(earlier, request)));
  if (anew) {
    return failed(`published on ${anew.request.topic} again after it was killed, the same event got another dedup key`);
  }
  return repeated.length > 0
    ? passed(
        `published on ${repeated[0]?.request.topic} again after it was killed, the event was suppressed as a duplicate`,
      )
    : passed(`${all.length} messages, each with its key; after it was killed it repeated none`);
}

function sameKey({ request }: PublishAttempt, other: PublishAttempt['request']): boolean {
  return request.topic === other.topic && request.dedupKey === other.dedupKey;
}

function sameEvent({ request }: PublishAttempt, other: PublishAttempt['request']): boolean {
  return request.topic === other.topic && Buffer.compare(request.payload, other.payload) === 0;
}

function count(envelopes: readonly Envelope[]): string {
  return envelopes.length === 1 ? '1 message' : `${envelopes.length} messages`;
}
