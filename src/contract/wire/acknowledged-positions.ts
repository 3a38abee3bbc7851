/** The messages of a subscription that its plugin has finished. */
export interface AcknowledgedPositions {
  /** Of the subscription. */
  readonly name: string;
  readonly positions: readonly bigint[];
}
