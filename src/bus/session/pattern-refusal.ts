import type { DescMessage, Message } from '@bufbuild/protobuf';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import { EndReason } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { admitsPattern, nearestHint, notGranted } from '../../contract/wire/grants.ts';
import { patternFault } from '../../contract/wire/topic.ts';
import type { Registration } from '../ownership/registration.ts';
import type { QuotaName } from '../quotas/quotas.ts';

/** Why a pattern may not be subscribed to or served. */
export interface PatternRefusal {
  readonly reason: EndReason;
  readonly detail: string;
}

/** Undefined when no field of it is over its limit. */
export function lengthRefusal(desc: DescMessage, message: Message): PatternRefusal | undefined {
  const fault = lengthFault(desc, message);
  return fault && { reason: EndReason.INVALID, detail: fault.message };
}

/** Undefined when the registration may receive what the pattern matches. */
export function patternRefusal(registration: Registration, pattern: string): PatternRefusal | undefined {
  const fault = patternFault(pattern);
  if (fault !== undefined) return { reason: EndReason.INVALID, detail: `"${pattern}" is no pattern: ${fault}` };
  if (admitsPattern(registration.access.granted, 'subscribe', pattern)) return undefined;
  return {
    reason: EndReason.NOT_GRANTED,
    detail: `the bus has ${notGranted(registration.access, 'subscribe', pattern)}`,
  };
}

/** Why what was subscribed to or served ends; undefined when it is still granted. */
export function lossOf({ access }: Registration, pattern: string, cause: string): PatternRefusal | undefined {
  if (admitsPattern(access.granted, 'subscribe', pattern)) return undefined;
  const detail = `the subscribe grant for ${pattern} is gone: ${cause}; ${nearestHint(access.granted, 'subscribe', pattern)}`;
  return { reason: EndReason.NOT_GRANTED, detail };
}

/** Undefined when the registration may have one more of these. */
export function quotaRefusal({ quota }: Registration, name: QuotaName, open: number): PatternRefusal | undefined {
  const detail = quota.countRefusal(name, open);
  return detail === undefined ? undefined : { reason: EndReason.LIMIT, detail };
}
