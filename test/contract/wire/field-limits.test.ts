import { expect, test } from 'vitest';
import type { WireField } from '../../../src/contract/wire/codec/message.ts';
import { fieldLimits, limitOf } from '../../../src/contract/wire/field-limits/field-limits.ts';
import { messageTypes } from './every-message.ts';

const isLong = ({ kind }: WireField): boolean => kind === 'string' || kind === 'bytes';
const isLimited = (field: WireField): boolean => field.isList === true || isLong(field);

const fields = messageTypes.flatMap((type) =>
  type
    .fields()
    .filter(isLimited)
    .map((field) => ({ type, field })),
);

test.each(fields.map(({ type, field }) => [`${type.typeName}.${field.name}`, type, field] as const))(
  '%s has a limit',
  (_name, type, field) => {
    const { bytes, items } = limitOf(type, field);
    if (isLong(field)) expect(bytes).toBeGreaterThan(0);
    if (field.isList) expect(items).toBeGreaterThan(0);
  },
);

test('the table names no field that no proto has', () => {
  const known = new Set(fields.flatMap(({ type, field }) => [field.name, `${type.typeName}.${field.name}`]));
  expect(Object.keys(fieldLimits).filter((name) => !known.has(name))).toEqual([]);
});
