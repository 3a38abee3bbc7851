/** The version of the protocol between sidecar and Bus API that this code speaks. */
export const busProtocolVersion = 1;

/** Neighbouring versions work together; anything further apart is refused by the bus, naming both. */
export function protocolVersionsFit(ours: number, theirs: number): boolean {
  return Math.abs(ours - theirs) <= 1;
}
