import type { Envelope } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { PublishRequest } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import type { PublishAttempt } from './conduct.ts';
import { failed, passed, type ScenarioResult } from './scenario-result.ts';

// Each function checks stored messages, of which there is at least one.

export function judgeEnvelopes(envelopes: readonly Envelope[]): ScenarioResult {
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
export function judgeTimestamps(envelopes: readonly Envelope[], refused: readonly PublishAttempt[]): ScenarioResult {
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
export function judgeSchemaVersions(registered: string, envelopes: readonly Envelope[]): ScenarioResult {
  if (!semver.test(registered)) return failed(`it registered with schema version "${registered}"`);
  const wrong = envelopes.find(({ meta }) => !semver.test(meta?.schemaVersion ?? ''))?.meta;
  if (wrong) return failed(`a message on ${wrong.topic} has schema version "${wrong.schemaVersion}"`);
  return passed(`${registered} at Register${envelopes.length > 0 ? ` and on ${count(envelopes)}` : ''}`);
}

/** Checks the keys of published events; after a restart they may be the same again. */
export function judgeDedupKeys(before: readonly PublishAttempt[], after: readonly PublishAttempt[]): ScenarioResult {
  const eventOfKey = new Map<string, string>();
  const earlier = taken(before);
  const later = taken(after);
  for (const { topic, payload, dedupKey } of [...earlier, ...later]) {
    if (dedupKey === '') return failed(`a publish on ${topic} has no dedup key`);
    const event = eventOf({ topic, payload });
    const first = eventOfKey.get(`${topic} ${dedupKey}`) ?? event;
    if (first !== event) return failed(`two events on ${topic} share the dedup key "${dedupKey}": one is lost`);
    eventOfKey.set(`${topic} ${dedupKey}`, event);
  }
  const keys = new Set(earlier.map(({ topic, dedupKey }) => `${topic} ${dedupKey}`));
  const events = new Set(earlier.map(eventOf));
  const repeated = later.filter((request) => events.has(eventOf(request)));
  const anew = repeated.find(({ topic, dedupKey }) => !keys.has(`${topic} ${dedupKey}`));
  if (anew) return failed(`published on ${anew.topic} again after a kill, the same event got another dedup key`);
  return repeated.length > 0
    ? passed(`published on ${repeated[0]?.topic} again after a kill, the event was suppressed as a duplicate`)
    : passed(`${earlier.length + later.length} messages, each with its key; none was repeated after a kill`);
}

/** The requests without refused ones, which are not messages. */
function taken(attempts: readonly PublishAttempt[]): PublishRequest[] {
  return attempts.flatMap(({ request, answer }) => (answer?.accepted === false ? [] : [request]));
}

function eventOf({ topic, payload }: Pick<PublishRequest, 'topic' | 'payload'>): string {
  return `${topic} ${Buffer.from(payload).toString('base64')}`;
}

function count(envelopes: readonly Envelope[]): string {
  return envelopes.length === 1 ? '1 message' : `${envelopes.length} messages`;
}
