/** What the publishing plugin writes down: before each publish, and after its answer. */
export type PublisherEntry =
  | { readonly kind: 'sent'; readonly topic: string; readonly number: number }
  | {
      readonly kind: 'answered';
      readonly topic: string;
      readonly number: number;
      readonly outcome: 'accepted' | 'refused' | 'unknown' | 'failed';
      readonly messageId?: string;
      readonly reason?: string;
    };

/** One message as a subscriber took it. */
export interface Taken {
  readonly publisher: string;
  readonly topic: string;
  readonly number: number;
  readonly messageId: string;
  readonly position: string;
  readonly marked: boolean;
}

/** What the acknowledging subscriber writes down: each message before it acknowledges it. */
export type LedgerEntry = { readonly kind: 'subscribed' } | ({ readonly kind: 'received' } & Taken);

/** What the counting subscriber keeps in its state: for each publisher and topic what it has counted. */
export interface Tally {
  readonly position: string;
  readonly lanes: Readonly<Record<string, { readonly last: number; readonly count: number; readonly sum: number }>>;
}

/** What the counting subscriber writes down: what it counted, once its state is stored, and what it should not see. */
export type CounterEntry =
  | { readonly kind: 'subscribed' }
  | ({ readonly kind: 'counted' } & Taken)
  | ({ readonly kind: 'repeated' } & Taken)
  | { readonly kind: 'final'; readonly tally: Tally };

export const laneOf = ({ publisher, topic }: Pick<Taken, 'publisher' | 'topic'>): string => `${publisher} ${topic}`;
