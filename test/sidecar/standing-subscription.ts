import type { V1Client, V1Subscription } from './v1-client.ts';

/** A subscription that is known to stand, since contract v1 has no word for it: what it brings of the probes is taken. */
export async function standing(by: V1Client, topic: string): Promise<V1Subscription> {
  const subscription = by.subscribe(topic);
  const first = subscription.next();
  const probes = await probeUntil(first, () => by.publish(topic, 'probe'));
  const marker = `probe ${probes}`;
  await by.publish(topic, marker);
  await lastText(subscription, marker);
  return subscription;
}

/** Publishes again and again until one has arrived; returns how often. */
export async function probeUntil(arrived: Promise<unknown>, publish: () => Promise<unknown>): Promise<number> {
  let isThere = false;
  const done = arrived.then(() => {
    isThere = true;
  });
  let probes = 0;
  for (; !isThere; probes += 1) await Promise.race([done, publish()]);
  return probes;
}

/** Takes messages until this one. */
export async function lastText(subscription: V1Subscription, text: string): Promise<string> {
  for (;;) {
    const [next = ''] = await subscription.texts(1);
    if (next === text) return next;
  }
}
