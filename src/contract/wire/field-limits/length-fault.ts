import type { MessageType, WireField } from '../codec/message.ts';
import { type LimitFault, limitOf } from './field-limits.ts';

/** Checks one field of a message. */
type Check = (message: Readonly<Record<string, unknown>>) => LimitFault | undefined;

/** Made once per kind of message, since the checks run for every received message. */
const checksOf = new Map<MessageType<unknown>, readonly Check[]>();

/** The first string or bytes field over its limit, also in nested messages, or undefined. */
export function lengthFault<T>(type: MessageType<T>, message: T): LimitFault | undefined {
  for (const check of checks(type)) {
    const fault = check(message as Readonly<Record<string, unknown>>);
    if (fault) return fault;
  }
  return undefined;
}

function checks(type: MessageType<unknown>): readonly Check[] {
  const known = checksOf.get(type);
  if (known) return known;
  const made = type.fields().flatMap((field) => checkOf(type, field) ?? []);
  checksOf.set(type, made);
  return made;
}

function checkOf(type: MessageType<unknown>, field: WireField): Check | undefined {
  const one = checkOfValue(type, field);
  if (!one) return undefined;
  if (!field.isList) return (message) => one(valueIn(field, message));
  return (message) => {
    for (const value of message[field.localName] as readonly unknown[]) {
      const fault = one(value);
      if (fault) return fault;
    }
    return undefined;
  };
}

function checkOfValue(
  type: MessageType<unknown>,
  field: WireField,
): ((value: unknown) => LimitFault | undefined) | undefined {
  const { message: inner, kind } = field;
  if (inner) return (value) => (value === undefined ? undefined : lengthFault(inner, value));
  if (kind === 'varint') return undefined;
  const { bytes: limit = 0 } = limitOf(type, field);
  const { name } = field;
  return (value) => {
    if (value === undefined) return undefined;
    // UTF-8 needs at most three bytes for each unit of a string's length.
    if (typeof value === 'string' && value.length * 3 <= limit) return undefined;
    const bytes = typeof value === 'string' ? Buffer.byteLength(value) : (value as Uint8Array).length;
    if (bytes <= limit) return undefined;
    if (typeof value === 'string') {
      return { code: 'INVALID_ARGUMENT', message: `${name} is ${bytes} bytes long; the limit is ${limit}` };
    }
    // A state is stored, so the status reports a lack of space.
    const code = name === 'state' ? 'RESOURCE_EXHAUSTED' : 'INVALID_ARGUMENT';
    return { code, message: `${name} of ${bytes} bytes is over the limit of ${limit} bytes` };
  };
}

function valueIn({ oneof, localName }: WireField, message: Readonly<Record<string, unknown>>): unknown {
  if (oneof === undefined) return message[localName];
  const chosen = message[oneof] as { readonly case?: string; readonly value?: unknown };
  return chosen.case === localName ? chosen.value : undefined;
}
