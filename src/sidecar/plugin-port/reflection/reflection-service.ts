import { create } from '../../../contract/wire/codec/message.ts';
import { lengthFault } from '../../../contract/wire/field-limits/length-fault.ts';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '../../../contract/wire/gen/grpc/reflection/v1/reflection_pb.ts';
import { reflectionMethods } from '../../../contract/wire/methods.ts';
import type { OneofInit } from '../../../contract/wire/oneof-init.ts';
import { type Route, type RpcStream, serveStream } from '../../../transport/rpc.ts';
import { type StatusCode, statusCodes, throwFault } from '../../../transport/status.ts';
import type { SidecarLifecycle } from '../../lifecycle/sidecar-state.ts';
import { protoFiles } from './proto-files.ts';

type Answer = OneofInit<typeof ServerReflectionResponseSchema, 'messageResponse'>;

const method = reflectionMethods.serverReflectionInfo;
/** Clients that are older than v1 know only this name. */
const alphaMethod = { ...method, path: method.path.replace('.v1.', '.v1alpha.') };

/** gRPC's server reflection, so that tools such as grpcurl need no proto files: https://grpc.io/docs/guides/reflection/ */
export function reflectionRoutes(lifecycle: SidecarLifecycle): Route[] {
  return [method, alphaMethod].map((each) => serveStream(each, (stream) => answerAll(lifecycle, stream)));
}

async function answerAll(
  lifecycle: SidecarLifecycle,
  stream: RpcStream<ServerReflectionRequest, ServerReflectionResponse>,
): Promise<void> {
  const requests = stream[Symbol.asyncIterator]();
  // A tool may keep its stream open, which would delay the close of the port.
  const stopping = Promise.withResolvers<undefined>();
  const stopWatching = lifecycle.onChange((state) => {
    if (state === 'SHUTTING_DOWN') stopping.resolve(undefined);
  });
  try {
    for (;;) {
      const next = await Promise.race([requests.next(), stopping.promise]);
      if (!next || next.done) return;
      const request = next.value;
      throwFault(lengthFault(ServerReflectionRequestSchema, request));
      const { host: validHost } = request;
      const messageResponse = answer(request);
      stream.write(create(ServerReflectionResponseSchema, { validHost, originalRequest: request, messageResponse }));
      await stream.drained();
    }
  } finally {
    stopWatching();
  }
}

function answer({ messageRequest: asked }: ServerReflectionRequest): Answer {
  const { services, byPath, bySymbol } = protoFiles();
  switch (asked.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return fileAnswer(byPath.get(asked.value), `there is no file "${asked.value}"`);
    case 'fileContainingSymbol':
      return fileAnswer(bySymbol.get(asked.value), `nothing here has the name "${asked.value}"`);
    default:
      return refusal(
        'NOT_FOUND',
        'the request asks for no service, file or symbol; these proto files have no extensions',
      );
  }
}

function fileAnswer(file: Uint8Array | undefined, otherwise: string): Answer {
  if (!file) return refusal('NOT_FOUND', otherwise);
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: [file] } };
}

function refusal(code: StatusCode, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode: statusCodes.indexOf(code), errorMessage } };
}
