import { execFileSync } from 'node:child_process';
import path from 'node:path';
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';

const root = path.resolve(import.meta.dirname, '../../..');

/** The proto files as protobuf's own compiler reads them, for a codec that is not ours. */
const registry = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    execFileSync(path.join(root, 'node_modules/.bin/buf'), ['build', '--output', '-'], {
      cwd: path.join(root, 'src/contract/wire'),
    }),
  ),
);

/** The description of every message, by its name with its package. */
export const descriptors: ReadonlyMap<string, DescMessage> = new Map(
  [...registry].flatMap((type) => (type.kind === 'message' ? [[type.typeName, type] as const] : [])),
);

export function descriptorOf({ typeName }: { readonly typeName: string }): DescMessage {
  const found = descriptors.get(typeName);
  if (!found) throw new Error(`the proto files have no ${typeName}`);
  return found;
}

/** The encoding by the general codec. */
export function generalEncoding(desc: DescMessage, init: object): Uint8Array {
  return toBinary(desc, create(desc, init as never));
}

/** What the general codec writes of what it reads. */
export function generalCopy(desc: DescMessage, bytes: Uint8Array): Uint8Array {
  return toBinary(desc, fromBinary(desc, bytes, { readUnknownFields: false }));
}

/** What the general codec reads, without what only its own messages have. */
export function generalReading(desc: DescMessage, bytes: Uint8Array): unknown {
  return plain(fromBinary(desc, bytes, { readUnknownFields: false }));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const fields = Object.entries(value).filter(([name]) => name !== '$typeName');
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]));
}

/** Any message of the kind, with each field present or not. */
export function anyMessage(desc: DescMessage): fc.Arbitrary<Record<string, unknown>> {
  const members = desc.members.map((member): [string, fc.Arbitrary<unknown>] => {
    if (member.kind === 'field') return [member.localName, anyField(member)];
    const cases = member.fields.map((field) =>
      fc.record({ case: fc.constant(field.localName), value: anyField(field) }),
    );
    return [member.localName, fc.oneof(...cases)];
  });
  return fc.record(Object.fromEntries(members), { requiredKeys: [] });
}

function anyField(field: DescField): fc.Arbitrary<unknown> {
  if (field.fieldKind !== 'list') return anyValue(field);
  return fc.array(anyValue(field), { maxLength: 5 });
}

function anyValue({ message, enum: ofNumbers, scalar }: DescField): fc.Arbitrary<unknown> {
  if (message) return anyMessage(message);
  if (ofNumbers) return fc.oneof(fc.constantFrom(...ofNumbers.values.map(({ number }) => number)), fc.integer());
  const arbitrary = scalars[scalar ?? ScalarType.DOUBLE];
  if (!arbitrary) throw new Error(`no values are known for the scalar ${scalar}`);
  return arbitrary;
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  // The lengths at which another way of coding begins, and at which a length takes one byte more.
  fc
    .tuple(
      fc.constantFrom('a', 'é', '€', '😀', '\uFFFD', '\uFEFF'),
      fc.constantFrom(8, 9, 42, 43, 64, 65, 127, 128, 8_192),
    )
    .map(([unit, count]) => unit.repeat(count)),
);
const bits = (count: number, isSigned: boolean): fc.Arbitrary<bigint> => {
  const [min, max] = isSigned
    ? [-(2n ** BigInt(count - 1)), 2n ** BigInt(count - 1) - 1n]
    : [0n, 2n ** BigInt(count) - 1n];
  const edges = Array.from({ length: count }, (_, bit) => [2n ** BigInt(bit), 2n ** BigInt(bit) - 1n]).flat();
  return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, ...edges.filter((edge) => edge <= max)));
};
const scalars: Readonly<Partial<Record<ScalarType, fc.Arbitrary<unknown>>>> = {
  [ScalarType.STRING]: text,
  [ScalarType.BYTES]: fc.oneof(
    fc.uint8Array(),
    fc.constantFrom(127, 128, 16_383, 16_384).map((size) => new Uint8Array(size)),
  ),
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.INT32]: bits(32, true).map(Number),
  [ScalarType.UINT32]: bits(32, false).map(Number),
  [ScalarType.INT64]: bits(64, true),
  [ScalarType.UINT64]: bits(64, false),
};
