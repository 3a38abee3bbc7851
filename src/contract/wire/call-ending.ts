import { CallOutcome } from './gen/meridian/bus/v1/bus_pb.ts';
import { CallFailure } from './gen/meridian/v1/sidecar_pb.ts';

/** How a call ended, as named in metrics and logs. */
export const callEndings = ['answered', 'refused', 'no_handler', 'timeout', 'handler_error'] as const;
export type CallEnding = (typeof callEndings)[number];

export interface DescribedEnding {
  readonly name: CallEnding;
  /** What the caller's plugin is told. */
  readonly failure: CallFailure;
}

const endings: Readonly<Record<CallOutcome, DescribedEnding>> = {
  [CallOutcome.ANSWERED]: { name: 'answered', failure: CallFailure.UNSPECIFIED },
  [CallOutcome.REFUSED]: { name: 'refused', failure: CallFailure.REFUSED },
  [CallOutcome.NO_HANDLER]: { name: 'no_handler', failure: CallFailure.NO_HANDLER },
  [CallOutcome.TIMEOUT]: { name: 'timeout', failure: CallFailure.TIMEOUT },
  [CallOutcome.HANDLER_ERROR]: { name: 'handler_error', failure: CallFailure.HANDLER_ERROR },
  // A newer bus may send an outcome that this sidecar does not know.
  [CallOutcome.UNSPECIFIED]: { name: 'handler_error', failure: CallFailure.UNSPECIFIED },
};

export function callEndingOf(outcome: CallOutcome): DescribedEnding {
  return endings[outcome] ?? endings[CallOutcome.UNSPECIFIED];
}
