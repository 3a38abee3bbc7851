import { containsPattern, matchTopic, patternProblem, patternsOverlap, topicProblem } from './topic.ts';

export type Action = 'publish' | 'subscribe';

/** Permission to publish or subscribe on the topics of a pattern. */
export interface Grant {
  readonly pattern: string;
  readonly action: Action;
}

/** A grant that was requested but not given. */
export interface WithheldGrant extends Grant {
  /** Why it is withheld, for people. */
  readonly reason: string;
}

/** Whether one of the grants covers the topic. A malformed topic is never allowed. */
export function isAllowed(grants: readonly Grant[], action: Action, topic: string): boolean {
  if (topicProblem(topic) !== undefined) return false;
  return grants.some((grant) => grant.action === action && matchTopic(grant.pattern, topic));
}

/**
 * Whether one of the grants contains the pattern. Grants are not combined, so each subscription depends on one grant that can be named and
 * revoked. A malformed pattern is never allowed.
 */
export function admitsPattern(grants: readonly Grant[], action: Action, pattern: string): boolean {
  if (patternProblem(pattern) !== undefined) return false;
  return grants.some((grant) => grant.action === action && containsPattern(grant.pattern, pattern));
}

/**
 * The grant of the same action that is nearest to a refused topic or pattern, for the refusal's text: the first with the most leading
 * segments in common. Undefined if none shares even the first segment.
 */
export function nearestGrant(grants: readonly Grant[], action: Action, topicOrPattern: string): Grant | undefined {
  let nearest: Grant | undefined;
  let mostInCommon = 0;
  for (const grant of grants) {
    if (grant.action !== action) continue;
    const inCommon = leadingSegmentsInCommon(grant.pattern, topicOrPattern);
    if (inCommon > mostInCommon) {
      mostInCommon = inCommon;
      nearest = grant;
    }
  }
  return nearest;
}

/**
 * Says that a topic or pattern is not granted, which grant of the action is nearest, and what was requested and withheld.
 * @example notGranted({ granted: [{ action: 'publish', pattern: 'a.*' }], withheld: [] }, 'publish', 'a.b.c')
 * // 'no publish grant for a.b.c; the nearest is a.*'
 */
export function notGranted(
  { granted, withheld }: { readonly granted: readonly Grant[]; readonly withheld: readonly WithheldGrant[] },
  action: Action,
  topicOrPattern: string,
): string {
  const against = withheld.find((grant) => grant.action === action && patternsOverlap(grant.pattern, topicOrPattern));
  const withheldPart = against ? `; ${against.pattern} is withheld: ${against.reason}` : '';
  return `no ${action} grant for ${topicOrPattern}; ${nearestHint(granted, action, topicOrPattern)}${withheldPart}`;
}

/** Names the nearest grant of the action. */
export function nearestHint(grants: readonly Grant[], action: Action, topicOrPattern: string): string {
  const nearest = nearestGrant(grants, action, topicOrPattern) ?? grants.find((grant) => grant.action === action);
  return nearest ? `the nearest is ${nearest.pattern}` : `there is no ${action} grant at all`;
}

function leadingSegmentsInCommon(granted: string, wanted: string): number {
  const wantedSegments = wanted.split('.');
  const differsAt = granted
    .split('.')
    .findIndex((segment, index) => segment !== wantedSegments[index] && !(segment === '*' && index in wantedSegments));
  return differsAt === -1 ? granted.split('.').length : differsAt;
}
