/** The messages of a subscription that its plugin has finished. */
export interface AcknowledgedPositions {
  /** Of the subscription. */
  readonly name: string;
  /** That the subscription is in; absent or empty for none. */
  readonly group?: string;
  readonly positions: readonly bigint[];
}
