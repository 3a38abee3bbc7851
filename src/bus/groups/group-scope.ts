/** Who may be a member of the same group. */
export interface GroupScope {
  readonly principal: string;
  readonly poolType: string;
}

/** The text that takes the place of an instance id for the subscriptions of groups. No instance id holds `@`, and no scope a blank. */
export function scopeText({ principal, poolType }: GroupScope): string {
  return `${encodeURIComponent(poolType)}@${encodeURIComponent(principal)}`;
}

/** The scope of a subscription's key. Undefined: it is an instance's own. */
export function scopeIn(keeper: string): GroupScope | undefined {
  const [poolType, principal] = keeper.split('@');
  if (poolType === undefined || principal === undefined) return undefined;
  return { poolType: decodeURIComponent(poolType), principal: decodeURIComponent(principal) };
}
