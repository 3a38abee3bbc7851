import type { SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';

/** Why a sidecar in STANDBY sends nothing. */
export const standingBy = 'a newer start of this instance took over, and this sidecar stands by';

/** Something that uses the session: told when it can send, when it cannot, and what the bus says. */
export interface LinkPart {
  /**
   * The session is open and this sidecar may write: send again what is unsettled. `draining`: a newer start owns the
   * instance id, and nothing more is delivered.
   */
  onUp?(draining: boolean): void;
  onDown?(reason: string): void;
  /** While the bus could not be reached, a newer start took the instance id over. */
  onSuperseded?(): void;
  /** Nothing is sent under this epoch any more, since a newer start owns the instance id. */
  onStandBy?(): void;
  onEvent?(event: SessionEvent['event']): void;
}
