import { type LedgerEntry, laneOf } from './entries.ts';
import { expected, idOf, type Published } from './verdict.ts';

/** What the members of a group wrote down, by their instance ids. */
export type Members = ReadonlyMap<string, readonly LedgerEntry[]>;

/** Every promise to a group that the journals of its members show broken. */
export function judgeGroup(published: Published, pattern: string, members: Members): string[] {
  const received = [...members.values()].flat().filter((entry) => entry.kind === 'received');
  const ids = new Set(received.map(idOf));
  const unmarked = Map.groupBy(
    received.filter(({ marked }) => !marked),
    ({ messageId }) => messageId,
  );
  return [
    ...expected(published, pattern)
      .filter((id) => !ids.has(id))
      .map((id) => `lost by the group: ${id}`),
    ...[...unmarked.values()].flatMap(([first, ...others]) =>
      first && others.length > 0 ? [`repeated in the group without a mark: ${idOf(first)}`] : [],
    ),
    ...[...members].flatMap(([member, entries]) => outOfOrder(member, entries)),
  ];
}

/** A condition for growing journals, which looks at each entry once: that together they hold every accepted message. */
export function togetherHoldAll(published: Published, pattern: string): (members: Members) => boolean {
  const rest = new Set(expected(published, pattern));
  const seen = new Map<string, number>();
  return (members) => {
    for (const [member, entries] of members) {
      for (const entry of entries.slice(seen.get(member))) if (entry.kind === 'received') rest.delete(idOf(entry));
      seen.set(member, entries.length);
    }
    return rest.size === 0;
  };
}

/** The first deliveries of a publisher on a topic are of one key, so no member gets an earlier one after a later one. */
function outOfOrder(member: string, entries: readonly LedgerEntry[]): string[] {
  const last = new Map<string, number>();
  return entries.flatMap((entry) => {
    if (entry.kind !== 'received' || entry.marked) return [];
    const before = last.get(laneOf(entry)) ?? 0;
    last.set(laneOf(entry), Math.max(before, entry.number));
    return entry.number < before ? [`out of order at ${member}: ${idOf(entry)} after ${before}`] : [];
  });
}
