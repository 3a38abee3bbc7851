import { describe, expect, test } from 'vitest';
import type { PublishAttempt } from '../../src/conformance/conduct.ts';
import {
  judgeDedupKeys,
  judgeEnvelopes,
  judgeSchemaVersions,
  judgeTimestamps,
} from '../../src/conformance/message-checks.ts';
import { create, type MessageInitShape } from '../../src/contract/wire/codec/message.ts';
import { EnvelopeSchema, type MessageMetaSchema } from '../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { PublishRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';

function envelope(changed: MessageInitShape<typeof MessageMetaSchema> = {}, payloadType = 'text/plain') {
  const meta = {
    messageId: 'one-1',
    publisherInstanceId: 'one',
    topic: 'demo.events',
    schemaVersion: '1.0.0',
    publishedAtNs: 20n,
    tsEventNs: 10n,
    tsInitNs: 20n,
  };
  return create(EnvelopeSchema, { meta: { ...meta, ...changed }, payloadType });
}

function attempt(payload: string, dedupKey: string, accepted = true): PublishAttempt {
  const request = create(PublishRequestSchema, { topic: 'demo.events', payload: Buffer.from(payload), dedupKey });
  return { atMs: 0, request, answer: { accepted, duplicate: false, reason: '' } };
}

describe('an envelope', () => {
  test.each([
    ['message_id', envelope({ messageId: '' })],
    ['publisher_instance_id', envelope({ publisherInstanceId: '' })],
    ['published_at_ns', envelope({ publishedAtNs: 0n })],
    ['payload_type', envelope({}, '')],
  ])('without %s fails', (field, wrong) => {
    expect(judgeEnvelopes([envelope(), wrong])).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining(field),
    });
  });

  test('with every field passes', () => {
    expect(judgeEnvelopes([envelope()]).outcome).toBe('passed');
  });
});

describe('the timestamps', () => {
  test.each([
    ['no ts_event', { tsEventNs: 0n }],
    ['no ts_init', { tsInitNs: 0n }],
    ['ts_init before ts_event', { tsInitNs: 9n }],
  ])('of a message with %s fail', (_what, meta) => {
    expect(judgeTimestamps([envelope(meta)], []).outcome).toBe('failed');
  });

  test('may be equal', () => {
    expect(judgeTimestamps([envelope({ tsInitNs: 10n })], []).outcome).toBe('passed');
  });
});

describe('a schema version', () => {
  test.each(['', '1', '1.0', 'v1.0.0', '01.0.0', '1.0.0-', '1.0.0 '])(
    '"%s" fails at Register and on a message',
    (text) => {
      expect(judgeSchemaVersions(text, []).outcome).toBe('failed');
      expect(judgeSchemaVersions('1.0.0', [envelope({ schemaVersion: text })]).outcome).toBe('failed');
    },
  );

  test.each(['1.0.0', '0.10.2', '1.0.0-rc.1', '1.0.0+build.5'])('"%s" passes', (text) => {
    expect(judgeSchemaVersions(text, [envelope({ schemaVersion: text })]).outcome).toBe('passed');
  });
});

describe('dedup keys', () => {
  test.each([
    ['none at all', [attempt('a', '')], []],
    ['none on the repeat', [attempt('a', 'k')], [attempt('a', '')]],
    ['another on the repeat', [attempt('a', 'k')], [attempt('a', 'other')]],
    ['one for two events', [attempt('a', 'k'), attempt('b', 'k')], []],
    ['one for two events, a kill between them', [attempt('a', 'k')], [attempt('b', 'k')]],
  ])('fail with %s', (_what, before, after) => {
    expect(judgeDedupKeys(before, after).outcome).toBe('failed');
  });

  test.each([
    ['the same on the repeat', [attempt('a', 'k')], [attempt('a', 'k'), attempt('b', 'l')]],
    ['no event repeated', [attempt('a', 'k')], [attempt('b', 'l')]],
    ['none on what was refused', [attempt('a', 'k'), attempt('b', '', false)], []],
  ])('pass with %s', (_what, before, after) => {
    expect(judgeDedupKeys(before, after).outcome).toBe('passed');
  });
});
