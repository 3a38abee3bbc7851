import { ScalarType } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { create, encode, toBinary } from '../../../src/contract/wire/codec/message.ts';
import { SessionRequestSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { EnvelopeSchema } from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../../src/contract/wire/read-message.ts';
import { messageTypes } from './every-message.ts';
import { anyMessage, descriptorOf, descriptors, generalEncoding, generalReading } from './general-codec.ts';

const lengthDelimited = new Map<ScalarType | undefined, string>([
  [ScalarType.STRING, 'string'],
  [ScalarType.BYTES, 'bytes'],
]);

const cases = messageTypes.map((type) => [type.typeName, type] as const);

test('every message of the proto files has a codec', () => {
  expect(messageTypes.map(({ typeName }) => typeName).sort()).toEqual([...descriptors.keys()].sort());
});

test('a message that is given as its encoding is written as it is, wherever it is nested', () => {
  const desc = descriptorOf(EnvelopeSchema);
  fc.assert(
    fc.property(anyMessage(desc), fc.bigInt({ min: 0n, max: 9n }), (init, sequence) => {
      const whole = create(EnvelopeSchema, init);
      const [asFields, asEncoding] = [whole, encode(EnvelopeSchema, whole)].map((envelope) => {
        const value = { sequence, envelope };
        return toBinary(SessionRequestSchema, create(SessionRequestSchema, { message: { case: 'publish', value } }));
      });
      expect(asEncoding).toEqual(asFields);
    }),
  );
});

describe.each(cases)('%s', (_name, type) => {
  const desc = descriptorOf(type);

  test('is encoded and decoded as by protobuf-es', () => {
    fc.assert(
      fc.property(anyMessage(desc), (init) => {
        const encoded = toBinary(type, create(type, init as never));
        expect(Buffer.compare(encoded, generalEncoding(desc, init))).toBe(0);
        expect(readMessage(type, encoded)).toEqual(generalReading(desc, encoded));
      }),
      { numRuns: 200 },
    );
  });

  test('is merged from encodings behind each other as by protobuf-es', () => {
    fc.assert(
      fc.property(anyMessage(desc), anyMessage(desc), (one, other) => {
        const both = Buffer.concat([one, other].map((init) => generalEncoding(desc, init)));
        expect(readMessage(type, both)).toEqual(generalReading(desc, both));
      }),
      { numRuns: 50 },
    );
  });

  test('is refused if it is cut anywhere but between two fields', () => {
    fc.assert(
      fc.property(anyMessage(desc), fc.nat(), (init, seed) => {
        const encoded = generalEncoding(desc, init);
        const cut = encoded.subarray(0, seed % (encoded.length + 1));
        const isWhole = outcome(() => generalReading(desc, cut)) === undefined;
        expect(outcome(() => readMessage(type, cut)) === undefined).toBe(isWhole);
      }),
      { numRuns: 50 },
    );
  });

  test('has the fields of the proto file in its table', () => {
    const described = desc.fields.map(({ number, name, localName, fieldKind, scalar, oneof, message }) => ({
      number,
      name,
      localName,
      kind: message ? 'message' : (lengthDelimited.get(scalar) ?? 'varint'),
      isList: fieldKind === 'list' || undefined,
      oneof: oneof?.localName,
      message: message?.typeName,
    }));
    const table = type.fields().map(({ kind, message, ...field }) => ({ ...field, kind, message: message?.typeName }));
    expect(table).toEqual(described);
  });
});

function outcome(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
