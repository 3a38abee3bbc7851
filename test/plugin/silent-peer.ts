import { create } from '../../src/contract/wire/codec/message.ts';
import {
  LoadStateReplySchema,
  PublishOutcome,
  PublishResultSchema,
  PublishResultsSchema,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { PublishReplySchema, RegisterReplySchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { serveStream, serveUnary } from '../../src/transport/rpc.ts';

/** A peer in the sidecar's place that answers no publish before it is told to. */
export async function startSilentPeer() {
  const received: string[] = [];
  const mayAnswer = Promise.withResolvers<void>();
  let answered = 0;
  let unansweredPeak = 0;
  const receive = (payload: Uint8Array): void => {
    received.push(Buffer.from(payload.subarray(0, 8)).toString());
    unansweredPeak = Math.max(unansweredPeak, received.length - answered);
  };
  const accepted = { outcome: PublishOutcome.ACCEPTED, messageId: 'm' };
  const listener = await grpcNetwork.listen('127.0.0.1:0', {
    maxMessageBytes: limits.messageBytes,
    routes: [
      serveUnary(sidecarMethods.register, async () => create(RegisterReplySchema, { admitted: true })),
      serveUnary(pluginMethods.loadState, async () => create(LoadStateReplySchema)),
      serveUnary(sidecarMethods.publish, async ({ payload }) => {
        receive(payload);
        await mayAnswer.promise;
        answered += 1;
        return create(PublishReplySchema, { accepted: true, messageId: 'm' });
      }),
      serveStream(pluginMethods.publish, async (stream) => {
        const answers: Promise<void>[] = [];
        for await (const { items } of stream) {
          for (const { request } of items) receive(request?.payload ?? new Uint8Array());
          const results = items.map(({ clientSequence }) =>
            create(PublishResultSchema, { ...accepted, clientSequence }),
          );
          answers.push(
            mayAnswer.promise.then(() => {
              answered += results.length;
              stream.write(create(PublishResultsSchema, { results }));
            }),
          );
        }
        await Promise.all(answers);
      }),
    ],
  });
  return {
    address: listener.address,
    received,
    answer: mayAnswer.resolve,
    close: () => listener.close(),
    unansweredPeak: () => unansweredPeak,
  };
}
