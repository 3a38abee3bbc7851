/**
 * A small client for plugin authors.
 *
 * ```ts
 * const plugin = await connect();
 * plugin.onStop(() => console.log('drained'));
 * await plugin.subscribe('platform.data.*', { name: 'quotes' }, (message) => console.log(message.topic));
 * await plugin.publish('platform.signal.eod', Buffer.from('buy'), { payloadType: 'text/plain', dedupKey: 'signal-1' });
 * await plugin.stopped;
 * ```
 */
import { createLog } from '../base/log/log.ts';
import { LineStream } from '../base/output/line-stream.ts';
import { realScheduler } from '../base/time/real-scheduler.ts';
import { grpcNetwork } from '../transport/grpc/network.ts';
import { checkOptions } from './arguments.ts';
import { type ConnectOptions, connectOptionKinds } from './options.ts';
import { Plugin } from './plugin.ts';

export type { Log, LogFields } from '../base/log/log.ts';
export { RpcError, type StatusCode } from '../transport/status.ts';
export type { DeliveredMessage, Message } from './message.ts';
export type { ConnectOptions, PublishOptions, RequestOptions, SaveStateOptions, SubscribeOptions } from './options.ts';
export type { PublishOutcome, RequestOutcome } from './outcomes.ts';
export { Plugin } from './plugin.ts';
export type { Answer, RequestHandler } from './request-server.ts';
export { NotAdmittedError, type PluginIdentity } from './sidecar-connection.ts';
export type { MessageHandler } from './subscription.ts';

/**
 * Connects this process to its sidecar, waiting for it, and makes SIGTERM and SIGINT run the same graceful stop.
 * @throws TypeError for an option of another kind or an unknown one; NotAdmittedError when the sidecar refuses; RpcError UNAVAILABLE when it does not answer in time.
 */
export async function connect(options: ConnectOptions = {}): Promise<Plugin> {
  checkOptions('connect', options, connectOptionKinds);
  const plugin = await Plugin.connect({
    network: grpcNetwork,
    scheduler: realScheduler,
    address: options.address ?? process.env.SIDECAR_ADDR ?? '127.0.0.1:9191',
    schemaVersion: options.schemaVersion ?? '1.0.0',
    waitTimeoutMs: options.waitTimeoutMs ?? 60_000,
    log: options.log ?? stderrLog,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void plugin.stop(signal));
  return plugin;
}

// Created with the first line: a plugin with its own log has stderr to itself.
let stderr: LineStream | undefined;
const stderrLog = createLog({
  level: 'info',
  format: 'text',
  write(line) {
    stderr ??= new LineStream(process.stderr);
    stderr.write(line);
  },
  wallTimeNs: () => realScheduler.wallTimeNs(),
});
