import { ownBytes } from '../../base/bytes.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import { type Answer, AnswerSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';

/** The answer of a responder. An answer over a limit becomes this call's error, which names the limit. */
export function acceptableAnswer(answer: Answer): Answer {
  const { requestId, ok, payloadType, payload, errorDetail } = answer;
  const fault = lengthFault(AnswerSchema, answer);
  if (fault) return create(AnswerSchema, { requestId, errorDetail: `the answer is not passed on: ${fault.message}` });
  if (!ok) return create(AnswerSchema, { requestId, errorDetail });
  return create(AnswerSchema, { requestId, ok, payloadType, payload: ownBytes(payload) });
}
