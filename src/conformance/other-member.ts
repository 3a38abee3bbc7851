import { create } from '../contract/wire/codec/message.ts';
import { ConsumeRequestSchema, type OpenSubscription } from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { RegisterRequestSchema } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { pluginMethods, sidecarMethods } from '../contract/wire/methods.ts';
import type { SidecarOptions } from '../sidecar/sidecar-parts.ts';

const connectTimeoutMs = 10_000;

/** Another member of the plugin's group. It takes messages, and acknowledges none. */
export interface OtherMember {
  /** The ids of the messages that it has. */
  readonly held: readonly string[];
  /** Breaks its stream off. */
  leave(): void;
}

/** Joins a group at the sidecar of this address. Resolves when it is a member. @throws RpcError */
export async function joinGroup(
  network: SidecarOptions['network'],
  address: string,
  { name, pattern, group, unordered }: Pick<OpenSubscription, 'name' | 'pattern' | 'group' | 'unordered'>,
): Promise<OtherMember> {
  const connection = await network.connect(address, {
    timeoutMs: connectTimeoutMs,
    maxMessageBytes: limits.messageBytes,
  });
  await connection.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
  const stream = connection.stream(pluginMethods.consume);
  const opened = Promise.withResolvers<void>();
  const held: string[] = [];
  const read = async (): Promise<void> => {
    for await (const { event } of stream) {
      if (event.case === 'opened') opened.resolve();
      if (event.case === 'message') held.push(event.value.envelope?.meta?.messageId ?? '');
    }
  };
  read().catch((error: unknown) => opened.reject(error));
  const credit = { messages: limits.creditMessages, bytes: limits.creditBytes };
  const open = { name, pattern, group, unordered, credit };
  stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value: open } }));
  await opened.promise;
  return {
    held,
    leave() {
      stream.cancel();
      connection.close();
    },
  };
}
