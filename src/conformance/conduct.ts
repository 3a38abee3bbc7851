import { PublishOutcome } from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import type { Envelope } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { PublishRequest } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { healthMethods, pluginMethods, sidecarMethods } from '../contract/wire/methods.ts';
import type { Journal, TimedFact } from './journal.ts';

// A plugin's actions, read from a journal. `from` is the index of the first fact that counts.

export interface PublishAttempt {
  readonly atMs: number;
  readonly request: PublishRequest;
  /** Undefined until the sidecar has answered, and when it does not know the outcome. */
  readonly answer: { readonly accepted: boolean; readonly duplicate: boolean; readonly reason: string } | undefined;
}

export interface GroupSubscription {
  readonly name: string;
  readonly pattern: string;
  readonly group: string;
  readonly unordered: boolean;
}

export interface OpenSubscription {
  readonly call: number;
  readonly pattern: string;
}

export interface DeliveredToPlugin {
  readonly atMs: number;
  readonly envelope: Envelope;
  /** When it was acknowledged; by contract v1, when it was written to the stream. */
  readonly takenAtMs: number | undefined;
}

export interface AskedHealth {
  readonly askedAtMs: number;
  readonly answer: { readonly atMs: number; readonly healthy: boolean; readonly detail: string } | undefined;
}

/** Every publish of the plugin, by either service. */
export function publishAttempts(journal: Journal, from = 0): PublishAttempt[] {
  const replies = new Map(journal.sent(sidecarMethods.publish, from).map(({ call, message }) => [call, message]));
  const unary = journal.received(sidecarMethods.publish, from).map(({ call, atMs, message: request }) => {
    const reply = replies.get(call);
    const { accepted = false, duplicate = false, refusalReason: reason = '' } = reply ?? {};
    return { atMs, request, answer: reply && { accepted, duplicate, reason } };
  });
  const results = new Map(
    journal
      .sent(pluginMethods.publish, from)
      .flatMap(({ call, message }) => message.results.map((each) => [`${call} ${each.clientSequence}`, each] as const)),
  );
  const streamed = journal.received(pluginMethods.publish, from).flatMap(({ call, atMs, message }) =>
    [...message.items].flatMap(({ clientSequence, request }) => {
      const result = results.get(`${call} ${clientSequence}`);
      const isKnown = result && result.outcome !== PublishOutcome.UNKNOWN;
      const accepted = result?.outcome === PublishOutcome.ACCEPTED;
      const answer = isKnown ? { accepted, duplicate: result.duplicate, reason: result.refusalReason } : undefined;
      return request ? [{ atMs, request, answer }] : [];
    }),
  );
  return [...unary, ...streamed].sort((a, b) => a.atMs - b.atMs);
}

/** The subscriptions that were opened, by either service. */
export function subscriptions(journal: Journal, from = 0): OpenSubscription[] {
  const opened = journal.sent(pluginMethods.consume, from).filter(({ message }) => message.event.case === 'opened');
  const consumed = opened.flatMap(({ call }) => {
    const first = journal.received(pluginMethods.consume, from).find((received) => received.call === call);
    return first?.message.message.case === 'open' ? [{ call, pattern: first.message.message.value.pattern }] : [];
  });
  const standing = new Set(journal.facts.slice(from).flatMap((fact) => (fact.kind === 'accepted' ? [fact.call] : [])));
  const v1 = journal
    .received(sidecarMethods.subscribe, from)
    .filter(({ call }) => standing.has(call))
    .map(({ call, message }) => ({ call, pattern: message.pattern }));
  return [...consumed, ...v1];
}

/** What opened the plugin's subscription that is in a group and whose stream has not ended. */
export function joinedGroup(journal: Journal): GroupSubscription | undefined {
  const ended = endedCalls(journal);
  const opened = journal.sent(pluginMethods.consume).filter(({ message }) => message.event.case === 'opened');
  const isOpen = new Set(opened.flatMap(({ call }) => (ended.has(call) ? [] : [call])));
  return journal.received(pluginMethods.consume).flatMap(({ call, message: { message } }) => {
    return message.case === 'open' && message.value.group !== '' && isOpen.has(call) ? [message.value] : [];
  })[0];
}

/** The subscriptions whose stream has not ended. */
export function openSubscriptions(journal: Journal, from = 0): OpenSubscription[] {
  const ended = endedCalls(journal);
  return subscriptions(journal, from).filter(({ call }) => !ended.has(call));
}

function endedCalls(journal: Journal): Set<number> {
  return new Set(journal.facts.flatMap((fact) => (fact.kind === 'ended' ? [fact.call] : [])));
}

/** The messages that the plugin got by its subscriptions, by either service. */
export function deliveries(journal: Journal, from = 0): DeliveredToPlugin[] {
  const taken = takenPositions(journal, from);
  const consumed = journal.sent(pluginMethods.consume, from).flatMap(({ call, atMs, message: { event } }) => {
    if (event.case !== 'message' || !event.value.envelope) return [];
    const { envelope, position } = event.value;
    return [{ atMs, envelope, takenAtMs: taken.get(`${call} ${position}`) ?? taken.get(`saved ${position}`) }];
  });
  const v1 = journal
    .sent(sidecarMethods.subscribe, from)
    .flatMap(({ atMs, message: { envelope } }) => (envelope ? [{ atMs, envelope, takenAtMs: atMs }] : []));
  return [...consumed, ...v1];
}

/** When each message was acknowledged, by its stream or together with state. */
function takenPositions(journal: Journal, from: number): Map<string, number> {
  const taken = new Map<string, number>();
  for (const { call, atMs, message } of journal.received(pluginMethods.consume, from)) {
    if (message.message.case !== 'acknowledge') continue;
    for (const position of message.message.value.positions) taken.set(`${call} ${position}`, atMs);
  }
  for (const { atMs, message } of journal.received(pluginMethods.saveState, from)) {
    for (const position of message.acknowledge.flatMap(({ positions }) => positions))
      taken.set(`saved ${position}`, atMs);
  }
  return taken;
}

/** The health checks that the plugin got, in order. */
export function healthChecks(journal: Journal, from = 0): AskedHealth[] {
  const reports = journal
    .received(pluginMethods.lifecycle, from)
    .flatMap(({ atMs, message: { message } }) => (message.case === 'healthReport' ? [{ atMs, ...message.value }] : []));
  return journal.sent(pluginMethods.lifecycle, from).flatMap(({ atMs, message: { event } }) => {
    if (event.case !== 'healthCheck') return [];
    const { checkId } = event.value;
    return [{ askedAtMs: atMs, answer: reports.find((report) => report.checkId === checkId) }];
  });
}

/** When the plugin got callbacks of this name. */
export function calledBack(journal: Journal, event: 'stop' | 'degrade' | 'resume', from = 0): number | undefined {
  return journal.sent(pluginMethods.lifecycle, from).find(({ message }) => message.event.case === event)?.atMs;
}

/** Whether the plugin takes callbacks: its Lifecycle stream is open. */
export function isAttached(journal: Journal, from = 0): boolean {
  const ended = endedCalls(journal);
  return journal
    .received(pluginMethods.lifecycle, from)
    .some(({ call, message: { message } }) => message.case === 'attach' && !ended.has(call));
}

/** Whether the plugin reported that it has drained, or left. */
export function saidGoodbye(journal: Journal, from = 0): boolean {
  const stopped = journal
    .received(pluginMethods.lifecycle, from)
    .some(({ message: { message } }) => message.case === 'stopped');
  return stopped || journal.received(sidecarMethods.leave, from).length > 0;
}

/** Whether the plugin used contract v1 only. */
export function isV1Alone(journal: Journal): boolean {
  const paths = new Set<string>(Object.values(pluginMethods).map(({ path }) => path));
  const usesMore = journal.facts.some((fact) => fact.kind === 'called' && paths.has(fact.path));
  return !usesMore && !publishAttempts(journal).some(({ request }) => hasMoreThanV1(request));
}

function hasMoreThanV1({ tsEventNs, dedupKey, schemaVersion, traceparent, tracestate }: PublishRequest): boolean {
  return tsEventNs !== 0n || [dedupKey, schemaVersion, traceparent, tracestate].some((text) => text !== '');
}

const pulse: ReadonlySet<string> = new Set([sidecarMethods.heartbeat.path, healthMethods.check.path]);

/** Whether the plugin acted by itself; health checks and heartbeats do not count. */
export function isActivity(fact: TimedFact): boolean {
  if (fact.kind === 'exited' || fact.kind === 'accepted') return true;
  if (fact.kind !== 'received' && fact.kind !== 'sent') return false;
  if (fact.path !== pluginMethods.lifecycle.path) return !pulse.has(fact.path);
  const { message, event } = fact.message as { message?: { case?: string }; event?: { case?: string } };
  return message?.case !== 'healthReport' && event?.case !== 'healthCheck';
}
