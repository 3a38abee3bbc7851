/** How much every store keeps. */
export interface RetentionOptions {
  /** Kept even when every subscription is past them, for subscriptions that start from a time. */
  readonly messages: number;
  /** The most that unfinished messages may hold; beyond it nothing more is accepted. */
  readonly bytes: number;
}

export const defaultRetention: RetentionOptions = { messages: 10_000, bytes: 256 * 1024 * 1024 };
export const defaultDedupWindowMs = 600_000;
