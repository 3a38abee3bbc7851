import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from '../../../src/contract/wire/gen/grpc/reflection/v1/reflection_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { reflectionMethods } from '../../../src/contract/wire/methods.ts';
import type { ClientStream } from '../../../src/transport/rpc.ts';
import { inWorld, type SimulatedWorld } from '../simulated-world.ts';

type Asked = ServerReflectionRequest['messageRequest'];
type Answer = ServerReflectionResponse['messageResponse'];

/** By `v1`, or by the name that older clients know. */
async function openStream(world: SimulatedWorld, version: 'v1' | 'v1alpha' = 'v1') {
  const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'one' });
  await sidecar.start();
  const connection = await world.network.connect(address, { timeoutMs: 1_000, maxMessageBytes: limits.messageBytes });
  return { sidecar, stream: connection.stream(methodOf(version)) };
}

function methodOf(version: string): typeof reflectionMethods.serverReflectionInfo {
  const { serverReflectionInfo } = reflectionMethods;
  return { ...serverReflectionInfo, path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo` };
}

async function answers(
  stream: ClientStream<ServerReflectionResponse, ServerReflectionRequest>,
  ...asked: readonly Asked[]
): Promise<Answer[]> {
  for (const messageRequest of asked) stream.write(create(ServerReflectionRequestSchema, { messageRequest }));
  stream.end();
  const found: Answer[] = [];
  for await (const { messageResponse } of stream) found.push(messageResponse);
  return found;
}

function fileIn(answer: Answer | undefined): FileDescriptorProto {
  if (answer?.case !== 'fileDescriptorResponse') throw new Error(`the answer has no file but ${answer?.case}`);
  expect(answer.value.fileDescriptorProto).toHaveLength(1);
  return fromBinary(FileDescriptorProtoSchema, answer.value.fileDescriptorProto[0] ?? new Uint8Array());
}

describe('server reflection, before a plugin has registered', () => {
  test.each(['v1', 'v1alpha'] as const)('by %s lists the services of the port, and none of the bus', (version) =>
    inWorld(async (world) => {
      const { stream } = await openStream(world, version);
      const [answer] = await answers(stream, { case: 'listServices', value: '*' });
      const names = answer?.case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : [];
      expect(names.sort()).toEqual([
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'meridian.sidecar.v1.PluginService',
        'meridian.v1.SidecarService',
      ]);
    }),
  );

  test.each([
    ['a service', 'meridian.v1.SidecarService', 'meridian/v1/sidecar.proto'],
    ['a method', 'meridian.v1.SidecarService.Publish', 'meridian/v1/sidecar.proto'],
    ['a message', 'meridian.v1.Envelope', 'meridian/v1/envelope.proto'],
    ['a field', 'meridian.v1.Envelope.payload', 'meridian/v1/envelope.proto'],
    ['a oneof', 'meridian.sidecar.v1.LifecycleEvent.event', 'meridian/sidecar/v1/plugin.proto'],
    ['an enum', 'meridian.sidecar.v1.PublishOutcome', 'meridian/sidecar/v1/plugin.proto'],
    ['an enum in a message', 'grpc.health.v1.HealthCheckResponse.ServingStatus', 'grpc/health/v1/health.proto'],
  ])('finds the file of %s, and each file that it imports', (_what, symbol, path) =>
    inWorld(async (world) => {
      const { stream } = await openStream(world);
      const [bySymbol, byPath] = await answers(
        stream,
        { case: 'fileContainingSymbol', value: symbol },
        { case: 'fileByFilename', value: path },
      );
      const file = fileIn(bySymbol);
      expect(file.name).toBe(path);
      expect(fileIn(byPath)).toEqual(file);
      for (const imported of file.dependency) {
        const { stream: next } = await openStream(world);
        const [answer] = await answers(next, { case: 'fileByFilename', value: imported });
        expect(fileIn(answer).name).toBe(imported);
      }
    }),
  );

  test.each<[string, Asked]>([
    ['a symbol that is not there', { case: 'fileContainingSymbol', value: 'meridian.v1.Nothing' }],
    ['the name of a package', { case: 'fileContainingSymbol', value: 'meridian.v1' }],
    ['a message of the bus', { case: 'fileContainingSymbol', value: 'meridian.bus.v1.BusService' }],
    ['an empty symbol', { case: 'fileContainingSymbol', value: '' }],
    ['a file that is not there', { case: 'fileByFilename', value: '../../etc/passwd' }],
    ['nothing', { case: undefined }],
  ])('answers NOT_FOUND for %s, and goes on', (_what, asked) =>
    inWorld(async (world) => {
      const { stream } = await openStream(world);
      const found = await answers(stream, asked, { case: 'fileByFilename', value: 'meridian/v1/envelope.proto' });
      expect(found[0]).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
      expect(fileIn(found[1]).name).toBe('meridian/v1/envelope.proto');
    }),
  );

  test('ends a stream with a name over its limit', () =>
    inWorld(async (world) => {
      const { stream } = await openStream(world);
      await expect(answers(stream, { case: 'fileByFilename', value: 'x'.repeat(257) })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('file_by_filename is 257 bytes long; the limit is 256'),
      });
    }));

  test('ends an open stream when the sidecar stops, and does not delay that', () =>
    inWorld(async (world) => {
      const { sidecar, stream } = await openStream(world);
      stream.write(create(ServerReflectionRequestSchema, { messageRequest: { case: 'listServices', value: '' } }));
      const messages = stream[Symbol.asyncIterator]();
      await messages.next();
      const fromMs = world.scheduler.nowMs();
      const stopped = sidecar.stop('SIGTERM');
      expect((await messages.next()).done).toBe(true);
      await stopped;
      expect(world.scheduler.nowMs() - fromMs).toBeLessThan(1_000);
    }));
});
