import type { SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';

/** Why a sidecar in STANDBY sends nothing. */
export const standingBy = 'a newer sidecar of this instance took over, and this one stands by';

/** A part that uses the session. It learns when it may send, when it may not, and what the bus sends. */
export interface SessionListener {
  /**
   * The session is open and this sidecar may write: resend what is unconfirmed. `draining`: a newer sidecar owns the instance
   * id, and the bus delivers nothing more.
   */
  onSessionOpen?(draining: boolean): void;
  onSessionLost?(reason: string): void;
  /** A newer sidecar took over the instance id while the bus was unreachable. */
  onSuperseded?(): void;
  /** Nothing more is sent under this epoch, since a newer sidecar owns the instance id. */
  onStandBy?(): void;
  onEvent?(event: SessionEvent['event']): void;
}
