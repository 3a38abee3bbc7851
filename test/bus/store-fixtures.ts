import type { Scheduler } from '../../src/base/time/scheduler.ts';
import type { NewMessage, Owner, Start, Store, StoredMessage } from '../../src/bus/store/store.ts';
import { create, encode } from '../../src/contract/wire/codec/message.ts';
import {
  type Envelope,
  EnvelopeSchema,
  MessageMetaSchema,
} from '../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../src/contract/wire/read-message.ts';

export interface StoreOptions {
  readonly scheduler: Scheduler;
  readonly dedupWindowMs?: number;
  readonly retention?: { readonly messages: number; readonly bytes: number };
}

export type CreateStore = (options: StoreOptions) => Promise<Store>;

export const noneBefore = { kind: 'time', fromNs: 0n } as const;
export const everything = { name: 'all', pattern: '**', start: noneBefore } as const;

/** One message; its id tells its sequence unless it is given. */
export function message(
  sequence: bigint,
  options: {
    id?: string;
    settledBelow?: bigint;
    dedupKey?: string;
    topic?: string;
    bytes?: number;
    atNs?: bigint;
  } = {},
): NewMessage {
  const { id = `m${sequence}`, settledBelow = 0n, dedupKey = '', topic = 'a.b', bytes = 1, atNs = 1n } = options;
  const meta = create(MessageMetaSchema, { messageId: id, topic, dedupKey, publishedAtNs: atNs });
  const envelope = encode(EnvelopeSchema, create(EnvelopeSchema, { payload: new Uint8Array(bytes), meta }));
  return { sequence, settledBelow, meta, envelope };
}

export function envelopeIn({ envelope }: StoredMessage): Envelope {
  return readMessage(EnvelopeSchema, envelope.bytes);
}

export function idOf(stored: StoredMessage): string | undefined {
  return envelopeIn(stored).meta?.messageId;
}

export function startedAt(startedAtNs: bigint): Start {
  return { startedAtNs, principal: 'someone' };
}

export async function activeOwner(store: Store, instanceId = 'one', principal = 'someone'): Promise<Owner> {
  const owner = { instanceId, epoch: await store.reserve(instanceId, { startedAtNs: 0n, principal }) };
  await store.activate(owner);
  return owner;
}

export async function appendIds(store: Store, owner: Owner, ids: readonly string[]): Promise<bigint[]> {
  const last = await store.read(0n, 1_000);
  await store.append(
    owner,
    ids.map((id, index) => message(BigInt(last.length + index + 1), { id })),
  );
  return (await store.read(last.at(-1)?.position ?? 0n, 1_000)).map(({ position }) => position);
}

export async function idsIn(store: Store): Promise<(string | undefined)[]> {
  return (await store.read(0n, 1_000)).map(idOf);
}
