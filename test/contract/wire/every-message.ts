import type { MessageType, ServiceType } from '../../../src/contract/wire/codec/message.ts';
import * as health from '../../../src/contract/wire/gen/grpc/health/v1/health_pb.ts';
import * as reflection from '../../../src/contract/wire/gen/grpc/reflection/v1/reflection_pb.ts';
import * as bus from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import * as deadLetters from '../../../src/contract/wire/gen/meridian/bus/v1/dead_letters_pb.ts';
import * as grants from '../../../src/contract/wire/gen/meridian/bus/v1/grants_pb.ts';
import * as instances from '../../../src/contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import * as overview from '../../../src/contract/wire/gen/meridian/bus/v1/overview_pb.ts';
import * as subscriptions from '../../../src/contract/wire/gen/meridian/bus/v1/subscriptions_pb.ts';
import * as plugin from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import * as envelope from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import * as sidecar from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';

const exported = [
  health,
  reflection,
  bus,
  deadLetters,
  grants,
  instances,
  overview,
  subscriptions,
  plugin,
  envelope,
  sidecar,
].flatMap((file) => Object.values<object>(file));

/** Every message of every proto file. */
export const messageTypes: readonly MessageType<unknown>[] = exported.filter(
  (each): each is MessageType<unknown> => 'fields' in each,
);

/** The messages that methods take and return. All others are only within them. */
export const methodMessages: readonly MessageType<unknown>[] = [
  ...new Set(
    exported
      .filter((each): each is ServiceType => 'methods' in each)
      .flatMap(({ methods }) => Object.values(methods))
      .flatMap(({ input, output }) => [input, output]),
  ),
];
