import { RawPeer, type RawPeerOptions } from '../transport/http2/raw-peer.ts';
import type { HonestClient } from './honest-client.ts';

/** What attackers have, so that they end. */
export interface AttackTime {
  /** How many rounds of the honest client it lasts. */
  readonly rounds: number;
  /** How many of them attack at once. */
  readonly attackers: number;
}

/** Each attacker attacks again and again until the honest client went through its rounds. Returns how often they did. */
export async function whileServed(
  honest: HonestClient,
  { rounds, attackers }: AttackTime,
  attack: (over: AbortSignal) => Promise<void>,
): Promise<number> {
  const over = new AbortController();
  let attacked = 0;
  const running = Array.from({ length: attackers }, async () => {
    while (!over.signal.aborted) {
      await attack(over.signal);
      attacked += 1;
    }
  });
  await honest.rounds(rounds).finally(() => over.abort());
  await Promise.all(running);
  return attacked;
}

/** An attack with one connection of its own each time. What the target cuts off is no failure of an attacker. */
export function withPeer(
  address: string,
  attack: (peer: RawPeer, over: AbortSignal) => Promise<void>,
  options: RawPeerOptions = {},
): (over: AbortSignal) => Promise<void> {
  return async (over) => {
    const peer = await RawPeer.connect(address, options).catch(() => undefined);
    if (!peer) return;
    peer.discard();
    await attack(peer, over);
    peer.close();
  };
}
