/** The member of a group that gets a delivery. */
export interface Receiver {
  readonly instanceId: string;
  readonly epoch: bigint;
}

/** Positions to redeliver, with their attempts so far. */
export type Attempts = ReadonlyMap<bigint, number>;

/** A delivery in flight to a member of a group. */
export interface DeliveryTo {
  readonly owner: Receiver;
  readonly attempt: number;
}

/** Deliveries to record together, with the position up to which everything is finished or recorded. */
export interface DeliveryRecord {
  readonly positions: readonly bigint[];
  readonly cursor: bigint;
  /** Of a group: which member gets each position; undefined for one that has to wait. Absent: the writer gets all. */
  readonly to?: readonly (Receiver | undefined)[];
}

/** A delivery that ended without an ack. Its number distinguishes it from an earlier one of the same message. */
export interface FailedDelivery {
  readonly position: bigint;
  readonly attempt: number;
}
