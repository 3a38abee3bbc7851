import { messageOf } from '../../../base/user-facing-error.ts';
import { Encoded } from './encoded.ts';
import type { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** A kind of message: what the generated code knows of it. `npm run gen` makes one for each message of the proto files. */
export interface MessageType<T> {
  /** With its package, as in `meridian.v1.Envelope`. */
  readonly typeName: string;
  /** Made at each call, since only the limits need it. */
  fields(): readonly WireField[];
  /** The very message if it is one already. */
  create(init?: MessageInit<T>): T;
  /** Appends the encoded message. @throws Error if a number is outside of its field's range, or a value is of another type. */
  write(message: T, out: WireWriter): void;
  /** Reads up to the reader's end and adds to the message what it finds; unknown fields are skipped. @throws Error if the bytes cannot be read. */
  read(from: WireReader, message: T): T;
}

/** One field of a message. */
export interface WireField {
  readonly number: number;
  /** As in the proto file. */
  readonly name: string;
  /** As in our code. */
  readonly localName: string;
  /** A number, a boolean and an enum are varints on the wire. */
  readonly kind: 'string' | 'bytes' | 'varint' | 'message';
  readonly isList?: true;
  /** The local name of the oneof that it belongs to. */
  readonly oneof?: string;
  readonly message?: MessageType<unknown>;
}

/** One row of the table of fields. The local name is the one of the proto file in camel case. @internal of generated code */
export function wireField(
  number: number,
  name: string,
  kind: WireField['kind'],
  more?: Pick<WireField, 'isList' | 'oneof' | 'message'>,
): WireField {
  return {
    number,
    name,
    localName: name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    kind,
    ...more,
  };
}

/** What a message is made from: any of its fields, and the same for the messages in it. An absent field has its default. */
export type MessageInit<T> = { readonly [K in keyof T]?: FieldInit<T[K]> | undefined };

type FieldInit<V> = V extends Uint8Array | string | number | bigint | boolean | undefined
  ? V
  : V extends (infer Item)[]
    ? FieldInit<Item>[]
    : V extends { case: infer Case extends string; value: infer Value }
      ? { readonly case: Case; readonly value: FieldInit<Value> }
      : V extends { case: undefined }
        ? V
        : MessageInit<V> | Encoded<V>;

export type MessageShape<Type> = Type extends MessageType<infer T> ? T : never;
export type MessageInitShape<Type> = MessageInit<MessageShape<Type>>;

/** A value of an enum that this version has no name for. A peer that is newer may send one. */
export type UnknownEnum = number & { readonly __unknown: true };

/** One method of a service. */
export interface MethodType {
  /** As in the proto file. */
  readonly name: string;
  readonly kind: 'unary' | 'server_streaming' | 'client_streaming' | 'bidi_streaming';
  readonly input: MessageType<unknown>;
  readonly output: MessageType<unknown>;
}

/** A service: its methods by their names in our code. */
export interface ServiceType {
  /** With its package, as in `meridian.v1.SidecarService`. */
  readonly typeName: string;
  readonly methods: Readonly<Record<string, MethodType>>;
}

/** A message with the given fields, the others at their defaults. */
export function create<T>(type: MessageType<T>, init?: MessageInit<T>): T {
  return type.create(init);
}

/** A message within another one. @internal of generated code */
export function part<T>(type: MessageType<T>, init: MessageInit<T> | Encoded<T>): T {
  return init instanceof Encoded ? (init as unknown as T) : type.create(init);
}

/** The default of a bytes field. */
export const noBytes = new Uint8Array(0);

/** The default of a oneof. Nobody may change it. */
export const unset: { readonly case: undefined; readonly value?: undefined } = Object.freeze({
  case: undefined,
  value: undefined,
});

const sent = new WireWriter();
const kept = new WireWriter();

/** The message's encoding. @throws Error if a number is outside of its field's range, or a value is of another type. */
export function toBinary<T>(type: MessageType<T>, message: T): Uint8Array {
  return written(type, message, sent);
}

/** The message's encoding, to be kept and sent on. @throws Error as `toBinary` */
export function encode<T>(type: MessageType<T>, message: T): Encoded<T> {
  return new Encoded(written(type, message, kept));
}

function written<T>(type: MessageType<T>, message: T, writer: WireWriter): Uint8Array {
  const start = writer.length;
  try {
    type.write(message, writer);
  } catch (error) {
    writer.cutTo(start);
    throw new Error(`${type.typeName} cannot be written: ${messageOf(error)}`);
  }
  return writer.bytesFrom(start);
}
