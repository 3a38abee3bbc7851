import { inflateRawSync } from 'node:zlib';
import { lengthDelimited, WireReader } from '../../../contract/wire/codec/wire-reader.ts';
import { pluginPortDescriptors } from '../../../contract/wire/gen/grpc/reflection/v1/descriptors.ts';

/** The proto files of the plugin's port. */
export interface ProtoFiles {
  readonly services: readonly string[];
  /** Encoded FileDescriptorProtos, by the path of the file. */
  readonly byPath: ReadonlyMap<string, Uint8Array>;
  /** The same, by the full name of everything that they declare. */
  readonly bySymbol: ReadonlyMap<string, Uint8Array>;
}

type Kind = 'message' | 'enum' | 'service' | 'leaf';

const nameField = 1;
const filesField = 1;
const packageField = 2;
/**
 * Where a descriptor has those within it, by the field's number:
 * https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto
 */
const fileParts: Readonly<Record<number, Kind>> = { 4: 'message', 5: 'enum', 6: 'service' };
const partsOf: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  message: { 2: 'leaf', 3: 'message', 4: 'enum', 8: 'leaf' },
  enum: { 2: 'leaf' },
  service: { 2: 'leaf' },
  leaf: {},
};

let read: ProtoFiles | undefined;

/** Read at the first call, since most sidecars are never asked. */
export function protoFiles(): ProtoFiles {
  read ??= readFiles(inflateRawSync(Buffer.from(pluginPortDescriptors, 'base64')));
  return read;
}

function readFiles(set: Uint8Array): ProtoFiles {
  const services: string[] = [];
  const byPath = new Map<string, Uint8Array>();
  const bySymbol = new Map<string, Uint8Array>();
  for (const file of valuesOf(set).get(filesField) ?? []) {
    const values = valuesOf(file);
    const note = (scope: string, parts: Readonly<Record<number, Kind>>, within: ReturnType<typeof valuesOf>): void => {
      for (const [field, kind] of Object.entries(parts)) {
        for (const part of within.get(Number(field)) ?? []) {
          const inner = valuesOf(part);
          const symbol = `${scope}.${textOf(inner, nameField)}`;
          bySymbol.set(symbol, file);
          if (kind === 'service') services.push(symbol);
          note(symbol, partsOf[kind], inner);
        }
      }
    };
    byPath.set(textOf(values, nameField), file);
    note(textOf(values, packageField), fileParts, values);
  }
  return { services, byPath, bySymbol };
}

/** The values of a message's fields that have a length, by the field's number. */
function valuesOf(message: Uint8Array): Map<number, Uint8Array[]> {
  const values = new Map<number, Uint8Array[]>();
  const reader = new WireReader(message);
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    if ((tag & 7) !== lengthDelimited) {
      reader.skip(tag);
      continue;
    }
    const field = tag >>> 3;
    const known = values.get(field);
    if (known) known.push(reader.bytes());
    else values.set(field, [reader.bytes()]);
  }
  return values;
}

function textOf(values: ReturnType<typeof valuesOf>, field: number): string {
  return Buffer.from(values.get(field)?.[0] ?? []).toString();
}
