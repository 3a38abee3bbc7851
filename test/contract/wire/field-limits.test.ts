import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { fieldLimits, limitOf } from '../../../src/contract/wire/field-limits/field-limits.ts';
import { file_grpc_health_v1_health } from '../../../src/contract/wire/gen/grpc/health/v1/health_pb.ts';
import { file_meridian_bus_v1_bus } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { file_meridian_bus_v1_grants } from '../../../src/contract/wire/gen/meridian/bus/v1/grants_pb.ts';
import { file_meridian_bus_v1_subscriptions } from '../../../src/contract/wire/gen/meridian/bus/v1/subscriptions_pb.ts';
import { file_meridian_sidecar_v1_plugin } from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { file_meridian_v1_envelope } from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { file_meridian_v1_sidecar } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';

const messages: DescMessage[] = [
  file_meridian_v1_envelope,
  file_meridian_v1_sidecar,
  file_meridian_sidecar_v1_plugin,
  file_meridian_bus_v1_bus,
  file_meridian_bus_v1_grants,
  file_meridian_bus_v1_subscriptions,
  file_grpc_health_v1_health,
].flatMap((file) => file.messages);

const isLong = ({ scalar }: DescField): boolean => scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
const isLimited = (field: DescField): boolean => field.fieldKind === 'list' || isLong(field);

const fields = messages.flatMap((message) => message.fields.filter(isLimited).map((field) => ({ message, field })));

test.each(fields.map(({ message, field }) => [`${message.typeName}.${field.name}`, message, field] as const))(
  '%s has a limit',
  (_name, message, field) => {
    const { bytes, items } = limitOf(message, field);
    if (isLong(field)) expect(bytes).toBeGreaterThan(0);
    if (field.fieldKind === 'list') expect(items).toBeGreaterThan(0);
  },
);

test('the table names no field that no proto has', () => {
  const known = new Set(fields.flatMap(({ message, field }) => [field.name, `${message.typeName}.${field.name}`]));
  expect(Object.keys(fieldLimits).filter((name) => !known.has(name))).toEqual([]);
});

test('no proto has a map, which the table knows nothing of', () => {
  expect(messages.flatMap((message) => message.fields).filter(({ fieldKind }) => fieldKind === 'map')).toEqual([]);
});
