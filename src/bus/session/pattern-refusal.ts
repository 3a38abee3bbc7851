import type { MessageType } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import { EndReason, type Subscribe } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { admitsPattern, nearestHint, notGranted } from '../../contract/wire/topics/grants.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import type { Registration } from '../ownership/registration.ts';
import type { QuotaName } from '../quotas/quotas.ts';

/** Why a pattern may not be subscribed to or served. */
export interface PatternRefusal {
  readonly reason: EndReason;
  readonly detail: string;
}

/** Undefined if all fields are within their limits. */
export function lengthRefusal<T>(type: MessageType<T>, message: T): PatternRefusal | undefined {
  const fault = lengthFault(type, message);
  return fault && { reason: EndReason.INVALID, detail: fault.message };
}

/** Undefined if the registration may receive the pattern's messages. */
export function patternRefusal(registration: Registration, pattern: string): PatternRefusal | undefined {
  const fault = patternProblem(pattern);
  if (fault !== undefined) return { reason: EndReason.INVALID, detail: `"${pattern}" is not a pattern: it ${fault}` };
  if (admitsPattern(registration.access.granted, 'subscribe', pattern)) return undefined;
  return {
    reason: EndReason.NOT_GRANTED,
    detail: `the bus has ${notGranted(registration.access, 'subscribe', pattern)}`,
  };
}

/** Undefined if the subscription is of no group, or the instance may be a member of its group. */
export function groupRefusal(subscribe: GroupRequest, open: readonly GroupRequest[]): PatternRefusal | undefined {
  const { group, name } = subscribe;
  if (group === '') return undefined;
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(group)) {
    const detail = `"${group}" is not a group of 1 to 128 characters [A-Za-z0-9_.-]`;
    return { reason: EndReason.INVALID, detail };
  }
  const other = open.find((each) => each.group === group && each.name !== name);
  if (!other) return undefined;
  const detail = `this instance is in the group "${group}" already, by its subscription "${other.name}"`;
  return { reason: EndReason.INVALID, detail };
}

type GroupRequest = Pick<Subscribe, 'group' | 'name'>;

/** Why a subscription or responder ends. Undefined if it is still allowed. */
export function lossOf({ access }: Registration, pattern: string, cause: string): PatternRefusal | undefined {
  if (admitsPattern(access.granted, 'subscribe', pattern)) return undefined;
  const detail = `the subscribe grant for ${pattern} is gone: ${cause}; ${nearestHint(access.granted, 'subscribe', pattern)}`;
  return { reason: EndReason.NOT_GRANTED, detail };
}

/** Undefined if the registration may have one more. */
export function quotaRefusal({ quota }: Registration, name: QuotaName, open: number): PatternRefusal | undefined {
  const detail = quota.countRefusal(name, open);
  return detail === undefined ? undefined : { reason: EndReason.LIMIT, detail };
}
