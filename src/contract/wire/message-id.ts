/** An epoch of an instance, as far as a message id names it. */
interface IdOwner {
  readonly instanceId: string;
  readonly epoch: bigint;
}

/** The id of a message: unique for ever, since no two starts of an instance share an epoch, and the same when it is sent again. */
export function publishId({ instanceId, epoch }: IdOwner, sequence: bigint): string {
  return `${instanceId}-${epoch}-${sequence}`;
}

export function callMessageId({ instanceId, epoch }: IdOwner, callId: bigint): string {
  return `${instanceId}-${epoch}-call-${callId}`;
}
