import { toBinary } from '@bufbuild/protobuf';
import { type Envelope, EnvelopeSchema } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';

/** The encoded size of an envelope, which credits are counted in on both sides. */
export function envelopeBytes(envelope: Envelope): number {
  return toBinary(EnvelopeSchema, envelope).length;
}
