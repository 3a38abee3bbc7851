/** The parts of an owner that a message id contains. */
interface IdOwner {
  readonly instanceId: string;
  readonly epoch: bigint;
}

/** The id of a message. It is unique for ever, since no two starts of an instance share an epoch. A resent message has the same id. */
export function publishId({ instanceId, epoch }: IdOwner, sequence: bigint): string {
  return `${instanceId}-${epoch}-${sequence}`;
}

export function callMessageId({ instanceId, epoch }: IdOwner, callId: bigint): string {
  return `${instanceId}-${epoch}-call-${callId}`;
}
