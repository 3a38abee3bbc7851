import { limits } from './limits.ts';

/**
 * Topics are dot-separated segments of `[A-Za-z0-9_-]`. In a pattern `*` stands for exactly one segment and `**`, only as the
 * last segment, for one or more. Nothing else has a meaning, so no text can mean more to a store than it does here.
 */
const segmentPattern = /^[A-Za-z0-9_-]+$/;

/**
 * What is wrong with a text as a topic to publish on or call; undefined when it is one.
 * The answer completes the sentence `topic "…" …` and names the limit or segment at fault.
 * @example topicFault('orders..created') // 'has an empty segment (2 of 3)'
 */
export function topicFault(text: string): string | undefined {
  return sizeFault(text) ?? firstSegmentFault(text.split('.'), topicSegmentFault);
}

/**
 * What is wrong with a text as a pattern to subscribe to or grant; undefined when it is one. A topic is a pattern too.
 * The answer completes the sentence `pattern "…" …`.
 * @example patternFault('orders.**.created') // 'has `**` before its last segment (2 of 3)'
 */
export function patternFault(text: string): string | undefined {
  return sizeFault(text) ?? firstSegmentFault(text.split('.'), patternSegmentFault);
}

/**
 * Whether a pattern covers a topic. The topic is taken to be free of faults: `admits` checks that, where the question is leave.
 * @example matchTopic('orders.*', 'orders.created') // true
 */
export function matchTopic(pattern: string, topic: string): boolean {
  return containsPattern(pattern, topic);
}

/**
 * Whether every topic that `inner` covers is covered by `outer` too; both are taken to be free of faults. It is decided for topics
 * of any length: what would hold only because no topic may be longer than the limit is answered no.
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
    // An inner `**` covers topics of every greater length, which only an outer `**` at the same place or earlier does.
    if (innerSegment === '**') return false;
    if (segment !== '*' && segment !== innerSegment) return false;
  }
  return innerSegments.length === outerSegments.length;
}

/**
 * Whether some topic is covered by both patterns, which are taken to be free of faults.
 * @example patternsOverlap('a.*', '*.b') // true
 */
export function patternsOverlap(one: string, other: string): boolean {
  const [ours, theirs] = [one.split('.'), other.split('.')];
  for (let index = 0; ; index += 1) {
    const [our, their] = [ours[index], theirs[index]];
    if (our === undefined || their === undefined) return our === their;
    // A `**` takes this segment and all that follow, whatever they are.
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
