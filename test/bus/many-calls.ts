import type { RawSession } from './raw-session.ts';

interface Calls {
  readonly count: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
}

/** Puts calls of a topic, all at once, under ids from `firstCallId` up. */
export function putAll(caller: RawSession, { count, topic, payload, timeoutMs }: Calls, firstCallId: number): void {
  const meta = { topic, publisherInstanceId: 'oms-2', messageId: `call-${firstCallId}` };
  for (let index = 0; index < count; index += 1) {
    const callId = BigInt(firstCallId + index);
    caller.send({ case: 'call', value: { callId, timeoutMs, envelope: { meta, payload } } });
  }
}

/** Puts them and returns their results in the order in which they came. */
export async function callAll(caller: RawSession, calls: Calls, firstCallId: number) {
  putAll(caller, calls, firstCallId);
  const results = [];
  for (let index = 0; index < calls.count; index += 1) results.push(await caller.next('callResult'));
  return results;
}
