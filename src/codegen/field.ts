import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import type { GeneratedFile, Printable } from '@bufbuild/protoplugin';
import { messageModule } from './runtime.ts';

/** A field in generated code. */
export interface CodeField {
  readonly desc: DescField;
  readonly localName: string;
  readonly isList: boolean;
  /** As `WireField.kind` in the runtime. */
  readonly kind: 'string' | 'bytes' | 'varint' | 'message';
  /** The method of reader and writer for one value; none for a message. */
  readonly method: string;
  /** The type of one value. */
  readonly type: Printable;
  /** What one value is if it is absent. */
  readonly zero: Printable;
  readonly message?: DescMessage;
  /** In front of each value on the wire: number and wire type. */
  readonly tag: number;
  /** In front of a list of numbers, which are written as one value. Undefined for others. */
  readonly packedTag?: number;
}

const scalars: Readonly<Partial<Record<ScalarType, readonly [method: string, type: string, zero: string]>>> = {
  [ScalarType.STRING]: ['string', 'string', "''"],
  [ScalarType.BYTES]: ['bytes', 'Uint8Array', 'noBytes'],
  [ScalarType.BOOL]: ['bool', 'boolean', 'false'],
  [ScalarType.INT32]: ['int32', 'number', '0'],
  [ScalarType.UINT32]: ['uint32', 'number', '0'],
  [ScalarType.INT64]: ['int64', 'bigint', '0n'],
  [ScalarType.UINT64]: ['uint64', 'bigint', '0n'],
};

const lengthDelimited = 2;

/** @throws Error for a kind of field that none of our proto files has */
export function codeField(code: GeneratedFile, desc: DescField): CodeField {
  const shared = { desc, localName: desc.localName, isList: desc.fieldKind === 'list' };
  const unknown = new Error(`${desc.toString()} is of a kind that src/codegen does not know`);
  if (desc.fieldKind === 'map' || desc.proto.proto3Optional) throw unknown;
  if (desc.message) {
    if (desc.delimitedEncoding) throw unknown;
    const type = code.importShape(desc.message).toTypeOnly();
    const tag = (desc.number << 3) | lengthDelimited;
    return { ...shared, kind: 'message', method: '', type, zero: 'undefined', message: desc.message, tag };
  }
  const [method, type, zero] = desc.enum
    ? ['int32', code.importShape(desc.enum).toTypeOnly(), '0']
    : (scalars[desc.scalar ?? ScalarType.DOUBLE] ?? []);
  if (method === undefined || type === undefined || zero === undefined) throw unknown;
  const kind = method === 'string' || method === 'bytes' ? method : 'varint';
  const tag = (desc.number << 3) | (kind === 'varint' ? 0 : lengthDelimited);
  const isPacked = desc.fieldKind === 'list' && kind === 'varint';
  if (isPacked && !desc.packed) throw unknown;
  return {
    ...shared,
    kind,
    method,
    type,
    zero: zero === 'noBytes' ? code.import(zero, messageModule) : zero,
    tag,
    ...(isPacked && { packedTag: (desc.number << 3) | lengthDelimited }),
  };
}
