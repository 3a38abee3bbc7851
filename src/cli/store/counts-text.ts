/** What a store holds, beside its size. */
export interface StoreCounts {
  readonly messages: number;
  readonly subscriptions: number;
  readonly states: number;
  readonly instances: number;
  readonly decisions: number;
}

export function countsText({ messages, subscriptions, states, instances, decisions }: StoreCounts): string {
  const counts = { messages, subscriptions, states, instances, 'decisions on grants': decisions };
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}
