/** The version of the protocol between sidecar and Bus API that this code speaks. */
export const busProtocolVersion = 1;

/** Neighbouring versions work together. The bus refuses any other pair and names both. */
export function protocolVersionsFit(ours: number, theirs: number): boolean {
  return Math.abs(ours - theirs) <= 1;
}
