import path from 'node:path';
import { type AnyDefinition, loadSync } from '@grpc/proto-loader';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');

/** Contract v1 as it is published: every field with its type and number. */
const messages: Readonly<Record<string, readonly string[]>> = {
  RegisterRequest: ['schema_version string 4'],
  RegisterReply: [
    ...['admitted bool 1', 'deployment_id string 2', 'refusal_reason string 3', 'publish_grants repeated string 4'],
    ...['subscribe_grants repeated string 5', 'instance_id string 6', 'role string 7', 'tags repeated string 8'],
  ],
  PublishRequest: [
    ...['topic string 1', 'payload_type string 2', 'payload bytes 3', 'correlation_id string 4'],
    'causation_id string 5',
  ],
  PublishReply: ['accepted bool 1', 'message_id string 2', 'refusal_reason string 3'],
  SubscribeRequest: ['pattern string 1'],
  Delivery: ['envelope Envelope 1'],
  CallRequest: [
    ...['topic string 1', 'payload_type string 2', 'payload bytes 3', 'correlation_id string 4', 'timeout_ms int32 5'],
  ],
  CallReply: [
    ...['ok bool 1', 'payload_type string 2', 'payload bytes 3', 'failure CallFailure 4', 'failure_detail string 5'],
  ],
  HeartbeatRequest: ['healthy bool 1', 'detail string 2'],
  HeartbeatReply: [],
  LeaveRequest: ['reason string 1'],
  LeaveReply: [],
  Envelope: ['meta MessageMeta 1', 'payload_type string 2', 'payload bytes 3'],
  MessageMeta: [
    ...['message_id string 1', 'correlation_id string 2', 'causation_id string 3', 'publisher_instance_id string 4'],
    ...['topic string 5', 'schema_version string 6', 'published_at_ns int64 7'],
  ],
};
const callFailures = [
  ...['CALL_FAILURE_UNSPECIFIED 0', 'CALL_FAILURE_TIMEOUT 1', 'CALL_FAILURE_REFUSED 2', 'CALL_FAILURE_NO_HANDLER 3'],
  'CALL_FAILURE_HANDLER_ERROR 4',
];
const methods = [
  ...['/meridian.v1.SidecarService/Register', '/meridian.v1.SidecarService/Publish'],
  ...['/meridian.v1.SidecarService/Subscribe stream', '/meridian.v1.SidecarService/Call'],
  ...['/meridian.v1.SidecarService/Heartbeat', '/meridian.v1.SidecarService/Leave'],
];

/** The parts of a descriptor, as protobuf's own descriptor.proto names them. */
interface MessageDescriptor {
  readonly field: readonly { name: string; number: number; label: string; type: string; typeName: string }[];
  readonly reservedRange: readonly { start: number }[];
}
interface EnumDescriptor {
  readonly value: readonly { name: string; number: number }[];
}

describe.each([
  ['our proto files below field 100', 'src/contract/wire/proto'],
  ["the test client's proto files", 'test/sidecar/v1-only'],
])('%s', (_, folder) => {
  const definitions = loadSync('meridian/v1/sidecar.proto', { includeDirs: [path.join(root, folder)], keepCase: true });
  const named = (name: string): AnyDefinition | undefined => definitions[`meridian.v1.${name}`];

  test.each(Object.entries(messages))('hold %s exactly', (name, fields) => {
    const { field } = descriptorOf<MessageDescriptor>(named(name));
    expect(field.filter(({ number }) => number < 100).map(fieldText)).toEqual(fields);
  });

  test('hold no message besides', () => {
    const names = Object.keys(definitions).map((name) => name.replace('meridian.v1.', ''));
    expect(names.sort()).toEqual([...Object.keys(messages), 'CallFailure', 'SidecarService'].sort());
  });

  test('reserve what once was identity', () => {
    const { reservedRange } = descriptorOf<MessageDescriptor>(named('RegisterRequest'));
    expect(reservedRange.map(({ start }) => start)).toEqual([1, 2, 3]);
  });

  test('number the failures of a call', () => {
    const { value } = descriptorOf<EnumDescriptor>(named('CallFailure'));
    expect(value.map(({ name, number }) => `${name} ${number}`)).toEqual(callFailures);
  });

  test('name the methods, of which one streams its replies', () => {
    const service = named('SidecarService') as Record<string, never>;
    const found = Object.values<{ path: string; requestStream: boolean; responseStream: boolean }>(service).map(
      ({ path: at, requestStream, responseStream }) =>
        `${at}${requestStream ? ' from a stream' : ''}${responseStream ? ' stream' : ''}`,
    );
    expect(found).toEqual(methods);
  });
});

function descriptorOf<T>(definition: AnyDefinition | undefined): T {
  if (!definition || !('type' in definition)) throw new Error('the message is missing');
  return definition.type as T;
}

function fieldText({ name, number, label, type, typeName }: MessageDescriptor['field'][number]): string {
  const isRepeated = label === 'LABEL_REPEATED' ? ['repeated'] : [];
  const named = typeName === '' ? type.replace('TYPE_', '').toLowerCase() : (typeName.split('.').at(-1) ?? '');
  return [name, ...isRepeated, named, number].join(' ');
}
