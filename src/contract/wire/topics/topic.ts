import { limits } from '../limits.ts';

/**
 * Topics are dot-separated segments of `[A-Za-z0-9_-]`. In a pattern `*` matches exactly one segment. `**` matches one or more and must be
 * the last segment. No other character is special, so a store cannot interpret a text differently.
 */
const segmentPattern = /^[A-Za-z0-9_-]+$/;

/**
 * Why the text is not a valid topic, or undefined.
 * The answer completes the sentence `topic "…" …` and names the limit or the segment that is wrong.
 * @example topicProblem('orders..created') // 'has an empty segment (2 of 3)'
 */
export function topicProblem(text: string): string | undefined {
  return sizeFault(text) ?? firstSegmentFault(text.split('.'), topicSegmentFault);
}

/**
 * Why the text is not a valid pattern, or undefined. A topic is a pattern too.
 * The answer completes the sentence `pattern "…" …`.
 * @example patternProblem('orders.**.created') // 'has `**` before its last segment (2 of 3)'
 */
export function patternProblem(text: string): string | undefined {
  return sizeFault(text) ?? firstSegmentFault(text.split('.'), patternSegmentFault);
}

/**
 * Whether a pattern matches a topic. The topic must be valid; the check of grants ensures that.
 * @example matchTopic('orders.*', 'orders.created') // true
 */
export function matchTopic(pattern: string, topic: string): boolean {
  return containsPattern(pattern, topic);
}

/**
 * Whether `outer` covers every topic that `inner` covers. Both must be valid. The answer applies to topics of any length: false if it would
 * be true only because topics have a limited length.
 * @example containsPattern('a.**', 'a.*.**') // true
 * @example containsPattern('*.*', '**') // false
 */
export function containsPattern(outer: string, inner: string): boolean {
  const outerSegments = outer.split('.');
  const innerSegments = inner.split('.');
  for (const [index, segment] of outerSegments.entries()) {
    const innerSegment = innerSegments[index];
    if (innerSegment === undefined) return false;
    if (segment === '**' && index === outerSegments.length - 1) return true;
    // An inner `**` covers topics of every greater length. Only an outer `**` at the same place or earlier does too.
    if (innerSegment === '**') return false;
    if (segment !== '*' && segment !== innerSegment) return false;
  }
  return innerSegments.length === outerSegments.length;
}

/**
 * Whether both patterns cover a common topic. Both must be valid.
 * @example patternsOverlap('a.*', '*.b') // true
 */
export function patternsOverlap(one: string, other: string): boolean {
  const [ours, theirs] = [one.split('.'), other.split('.')];
  for (let index = 0; ; index += 1) {
    const [our, their] = [ours[index], theirs[index]];
    if (our === undefined || their === undefined) return our === their;
    // A `**` matches this segment and all that follow.
    if (our === '**' || their === '**') return true;
    if (our !== '*' && their !== '*' && our !== their) return false;
  }
}

function sizeFault(text: string): string | undefined {
  if (text === '') return 'is empty';
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.topicBytes) return `is ${bytes} bytes long; the limit is ${limits.topicBytes}`;
  const segments = text.split('.').length;
  if (segments > limits.topicSegments) return `has ${segments} segments; the limit is ${limits.topicSegments}`;
  return undefined;
}

type SegmentFault = (segment: string, isLast: boolean) => string | undefined;

function firstSegmentFault(segments: readonly string[], faultOf: SegmentFault): string | undefined {
  for (const [index, segment] of segments.entries()) {
    const fault = faultOf(segment, index === segments.length - 1);
    if (fault !== undefined) return `${fault} (${index + 1} of ${segments.length})`;
  }
  return undefined;
}

function topicSegmentFault(segment: string): string | undefined {
  if (segment === '*' || segment === '**') return `is a pattern: it has the wildcard segment \`${segment}\``;
  return plainSegmentFault(segment);
}

function patternSegmentFault(segment: string, isLast: boolean): string | undefined {
  if (segment === '*') return undefined;
  if (segment === '**') return isLast ? undefined : 'has `**` before its last segment';
  return plainSegmentFault(segment);
}

function plainSegmentFault(segment: string): string | undefined {
  if (segment === '') return 'has an empty segment';
  if (segmentPattern.test(segment)) return undefined;
  return `has the segment ${JSON.stringify(segment)}, in which only A-Z a-z 0-9 _ - are allowed`;
}
