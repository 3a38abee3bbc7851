import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Groups } from '../../../src/bus/groups/groups.ts';
import type { Feed } from '../../../src/bus/session/feed.ts';
import { LogTail } from '../../../src/bus/session/log-tail.ts';
import type { FedMessage } from '../../../src/bus/session/subscription-feed.ts';
import { MemoryStore } from '../../../src/bus/store/in-memory/memory-store.ts';
import type { NewMessage, Owner, StoredMessage } from '../../../src/bus/store/store.ts';
import { create, encode } from '../../../src/contract/wire/codec/message.ts';
import { EnvelopeSchema, MessageMetaSchema } from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';
import { activeOwner, envelopeIn, noneBefore } from '../store-fixtures.ts';

const scope = 'SignalPool@someone';
const key = { instanceId: scope, name: 'workers' };
const keys = ['k0', 'k1', 'k2'];

function keyed(sequence: bigint, partitionKey: string): NewMessage {
  const meta = create(MessageMetaSchema, { messageId: `m${sequence}`, topic: 'jobs.new', partitionKey });
  return { sequence, settledBelow: 0n, meta, envelope: encode(EnvelopeSchema, create(EnvelopeSchema, { meta })) };
}

function keyIn(message: StoredMessage): string {
  return envelopeIn(message).meta?.partitionKey ?? '';
}

interface Held {
  readonly key: string;
  readonly attempt: number;
}

/** A member, with what it was delivered and has not acked. */
interface Member {
  owner: Owner;
  feed: Feed | undefined;
  readonly inHand: Map<bigint, Held>;
}

/** A group on a store, with members that act as they are told, and what must never happen. */
class World {
  readonly faults: string[] = [];
  readonly acked = new Set<bigint>();
  readonly #store = new MemoryStore({ scheduler: new VirtualScheduler(1) });
  readonly #groups = new Groups({ store: this.#store, tail: new LogTail({ store: this.#store }) });
  readonly #members = new Map<string, Member>();
  readonly #delivered = new Set<bigint>();
  readonly #lastFirst = new Map<string, bigint>();
  /** What was published and is not acked, by its key. */
  readonly #open = new Map<bigint, string>();
  readonly #isUnordered: boolean;
  #publisher: Owner | undefined;
  #sequence = 0n;

  constructor(isUnordered: boolean) {
    this.#isUnordered = isUnordered;
    this.#store.onAppend((added) => {
      for (const message of added) this.#open.set(message.position, keyIn(message));
    });
  }

  get published(): number {
    return Number(this.#sequence);
  }

  get joined(): string[] {
    return [...this.#members].filter(([, { feed }]) => feed).map(([id]) => id);
  }

  inHandOf(id: string): number {
    return this.#members.get(id)?.inHand.size ?? 0;
  }

  async publish(partitionKeys: readonly string[]): Promise<void> {
    this.#publisher ??= await activeOwner(this.#store, 'publisher');
    const messages = partitionKeys.map((partitionKey) => {
      this.#sequence += 1n;
      return keyed(this.#sequence, partitionKey);
    });
    await this.#store.append(this.#publisher, messages);
  }

  async join(id: string, credit: number): Promise<void> {
    const member = this.#members.get(id) ?? {
      owner: await activeOwner(this.#store, id),
      feed: undefined,
      inHand: new Map(),
    };
    this.#members.set(id, member);
    if (member.feed) {
      member.feed.addCredit({ messages: credit, bytes: 0 });
      return;
    }
    const made = this.#groups.memberOf({
      writer: { ...member.owner, scope },
      spec: { name: key.name, pattern: 'jobs.*', start: noneBefore, inHand: [...member.inHand.keys()] },
      credit: { messages: credit, bytes: 1_000_000 },
      isUnordered: this.#isUnordered,
      room: () => undefined,
      deliver: (fed) => {
        this.#deliver(id, member, fed);
        return undefined;
      },
      onOpen() {},
      onMissed: () => this.faults.push('a message was dropped'),
      deadLetterIfExhausted: async () => false,
    });
    if ('refusal' in made) throw new Error(made.refusal);
    member.feed = made.member;
    void made.member.run();
  }

  /** It hands back what it has: the first counts as failed. */
  async leave(id: string): Promise<void> {
    const member = this.#members.get(id);
    if (!member?.feed) return;
    member.feed.close();
    member.feed = undefined;
    const failed = [...member.inHand.keys()].slice(0, 1);
    member.inHand.clear();
    await this.#store.requeue({ ...member.owner, scope }, key.name, failed);
    this.#groups.requeued(key, id, failed);
  }

  /** Its session is lost; it keeps what it has, and may join again with it. */
  disconnect(id: string): void {
    const member = this.#members.get(id);
    member?.feed?.close();
    if (member) member.feed = undefined;
  }

  /** It is gone, and its lease is over. */
  async kill(id: string): Promise<void> {
    const member = this.#members.get(id);
    if (!member) return;
    this.disconnect(id);
    this.#members.delete(id);
    await this.#store.fence(member.owner);
  }

  async takeFromGone(): Promise<void> {
    const alive = new Set([...this.#members.values()].map(({ owner }) => owner.epoch));
    await this.#groups.takeFromGone(({ epoch }) => !alive.has(epoch));
  }

  async acknowledge(id: string, count: number): Promise<void> {
    const member = this.#members.get(id);
    if (!member?.feed) return;
    const positions = [...member.inHand.keys()].slice(0, count);
    await this.#store.acknowledge({ ...member.owner, scope }, key.name, positions);
    for (const position of positions) {
      this.acked.add(position);
      this.#open.delete(position);
      member.inHand.delete(position);
    }
    member.feed?.acknowledged(positions);
    member.feed?.addCredit({ messages: positions.length, bytes: 0 });
  }

  async nack(id: string): Promise<void> {
    const member = this.#members.get(id);
    const [first] = member?.inHand ?? [];
    if (!member?.feed || !first) return;
    const [position, { attempt }] = first;
    member.inHand.delete(position);
    const again = await this.#store.nack({ ...member.owner, scope }, key.name, [{ position, attempt }]);
    member.feed?.nacked([{ position, attempt }], again);
    member.feed?.addCredit({ messages: 1, bytes: 0 });
  }

  #deliver(id: string, member: Member, { message, maybeRedelivered, attempt }: FedMessage): void {
    const { position } = message;
    const partitionKey = keyIn(message);
    if (this.acked.has(position)) this.faults.push(`${position} came again after its ack`);
    if (this.#delivered.has(position) && !maybeRedelivered) this.faults.push(`${position} came again unmarked`);
    for (const [other, { inHand }] of this.#members) {
      if (other === id) continue;
      const isShared = [...inHand].some(
        ([each, { key: held }]) => each === position || (!this.#isUnordered && held === partitionKey),
      );
      if (isShared) this.faults.push(`${position} of ${partitionKey} came to ${id} while ${other} had its key`);
    }
    const isHeld = [...this.#members.values()].some(({ inHand }) =>
      [...inHand.values()].some(({ key: held }) => held === partitionKey),
    );
    const [first] = [...this.#open].find(([, each]) => each === partitionKey) ?? [];
    if (!this.#isUnordered && !isHeld && position !== first) this.faults.push(`${position} came before ${first}`);
    if (!maybeRedelivered && !this.#isUnordered) {
      if (position < (this.#lastFirst.get(partitionKey) ?? 0n)) this.faults.push(`${position} came out of order`);
      this.#lastFirst.set(partitionKey, position);
    }
    this.#delivered.add(position);
    member.inHand.set(position, { key: partitionKey, attempt });
  }
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
};

const member = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.record({
    do: fc.constant('publish' as const),
    keys: fc.array(fc.constantFrom(...keys), { minLength: 1, maxLength: 8 }),
  }),
  fc.record({
    do: fc.constantFrom('join' as const, 'acknowledge' as const),
    id: member,
    count: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({
    do: fc.constantFrom('nack' as const, 'leave' as const, 'disconnect' as const, 'kill' as const),
    id: member,
  }),
  fc.record({ do: fc.constantFrom('takeFromGone' as const) }),
);

test.each([false, true])(
  'each message goes to one member until it is acked, whoever comes and goes (unordered: %s)',
  async (isUnordered) => {
    const property = fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(12)), { maxLength: 60 }), async (steps) => {
      const world = new World(isUnordered);
      for (const [each, pause] of steps) {
        if (each.do === 'publish') await world.publish(each.keys);
        else if (each.do === 'takeFromGone') await world.takeFromGone();
        else if (each.do === 'join') await world.join(each.id, each.count);
        else if (each.do === 'acknowledge') await world.acknowledge(each.id, each.count);
        else await world[each.do](each.id);
        await turns(pause);
      }
      for (const id of ['a', 'b', 'c']) await world.join(id, 10);
      await world.takeFromGone();
      for (let round = 0; round < 1_000 && world.acked.size < world.published; round += 1) {
        await turns(50);
        for (const id of ['a', 'b', 'c']) await world.acknowledge(id, 5);
      }
      expect(world.faults).toEqual([]);
      expect(world.acked.size).toBe(world.published);
    });
    await fc.assert(property, { numRuns: 400 });
  },
);

test('a member that acks nothing delays the messages of the keys that it holds, and no others', async () => {
  const world = new World(false);
  await world.join('a', 1);
  await world.publish(['k0']);
  await turns(50);
  expect(world.inHandOf('a')).toBe(1);
  await world.join('b', 100);
  await world.publish(['k0', 'k1', 'k0', 'k2', 'k1']);
  await turns(50);
  expect(world.inHandOf('b')).toBe(3);
  for (const acked of [1, 2]) {
    await world.acknowledge('a', 1);
    await turns(50);
    expect([world.acked.size, world.inHandOf('a'), world.inHandOf('b')]).toEqual([acked, 1, 3]);
  }
  expect(world.faults).toEqual([]);
});

test('a new member gets its share while the others go on', async () => {
  const world = new World(true);
  await world.join('a', 1_000);
  await world.publish(Array.from({ length: 10 }, () => 'k0'));
  await turns(100);
  expect(world.inHandOf('a')).toBe(10);
  await world.join('b', 1_000);
  await world.publish(Array.from({ length: 30 }, () => 'k0'));
  await turns(200);
  expect([world.inHandOf('a'), world.inHandOf('b')]).toEqual([20, 20]);
});
