import { create } from '../../contract/wire/codec/message.ts';
import { type RegisterRequest, RegisterRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { busProtocolVersion } from '../../contract/wire/protocol-version.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';
import { grantsToWire } from '../../contract/wire/topics/grants-on-wire.ts';

/** What a sidecar says of itself each time that it registers. */
export interface RegistrationFacts {
  readonly instanceId: string;
  readonly poolType: string;
  readonly requestedGrants: readonly Grant[];
  readonly tags: readonly string[];
  readonly image: string;
  readonly version: string;
  readonly startedAtNs: bigint;
}

/** `resumeEpoch`: the epoch to continue, or 0 for a new one. */
export function registerRequest(facts: RegistrationFacts, resumeEpoch: bigint): RegisterRequest {
  return create(RegisterRequestSchema, {
    protocolVersion: busProtocolVersion,
    instanceId: facts.instanceId,
    poolType: facts.poolType,
    requestedGrants: grantsToWire(facts.requestedGrants),
    tags: [...facts.tags],
    revision: { version: facts.version, startedAtNs: facts.startedAtNs },
    resumeEpoch,
    image: facts.image,
  });
}
