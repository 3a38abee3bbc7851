/**
 * A plugin that passes every conformance test, and with one of the faults below as its argument does one thing wrong.
 * It publishes one event, for each start that it remembers, and takes what comes on its subscription.
 */
import { create } from '../../src/contract/wire/codec/message.ts';
import { LeaveRequestSchema, RegisterRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { sidecarMethods } from '../../src/contract/wire/methods.ts';
import { connect } from '../../src/plugin/index.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';

export type Fault =
  | 'never-registers'
  | 'only-registers'
  | 'registers-an-odd-version'
  | 'registers-twice'
  | 'exits-when-degraded'
  | 'answers-no-health-check'
  | 'exits-with-1'
  | 'ignores-sigterm'
  | 'forgets-its-state'
  | 'does-not-wait'
  | 'calls-too-early'
  | 'exits-after-a-freeze'
  | 'gives-no-payload-type'
  | 'acknowledges-late'
  | 'publishes-from-the-future'
  | 'exits-when-refused'
  | 'gives-no-dedup-key'
  | 'gives-an-event-a-new-key'
  | 'gives-all-events-one-key'
  | 'names-no-version'
  | 'skips-what-may-be-repeated';

const fault = process.argv[2] as Fault | undefined;
const address = process.env.SIDECAR_ADDR ?? '';
const lateMs = 1_500;

if (fault === 'never-registers') await new Promise((resolve) => setTimeout(resolve, 600_000));
if (fault === 'does-not-wait') await sidecarOnce();
if (fault === 'calls-too-early' || fault === 'registers-twice') await callFirst();

const plugin = await connect({ schemaVersion: fault === 'registers-an-odd-version' ? '1' : '1.0.0' });
void plugin.stopped.then(() => process.exit(fault === 'exits-with-1' ? 1 : 0));
if (fault === 'ignores-sigterm') plugin.onStop(() => new Promise(() => {}));
if (fault === 'answers-no-health-check') plugin.onHealthCheck(() => new Promise(() => {}));
if (fault === 'exits-when-degraded') plugin.onDegrade(() => process.exit(1));
if (fault === 'exits-after-a-freeze') exitAfterFreeze();
if (fault === 'only-registers') await plugin.stopped;

const saved = fault === 'forgets-its-state' ? undefined : await plugin.loadState();
const starts = 1 + Number(saved === undefined ? 0 : Buffer.from(saved).toString());
await plugin.subscribe('demo.inputs', { name: 'inputs', group: 'judged' }, async ({ maybeRedelivered }) => {
  if (maybeRedelivered && fault === 'skips-what-may-be-repeated') await new Promise(() => {});
  if (fault === 'acknowledges-late') await new Promise((resolve) => setTimeout(resolve, lateMs));
});
const outcome = await plugin.publish('demo.events', Buffer.from(`event ${starts}`), {
  ...(fault !== 'gives-no-payload-type' && { payloadType: 'text/plain' }),
  ...(fault !== 'gives-no-dedup-key' && { dedupKey: keyOf(starts) }),
  ...(fault === 'names-no-version' && { schemaVersion: 'newest' }),
});
if (fault === 'exits-when-refused' && outcome.outcome === 'refused') process.exit(1);
if (fault === 'gives-all-events-one-key') {
  await plugin.publish('demo.events', Buffer.from('another'), { payloadType: 'text/plain', dedupKey: keyOf(starts) });
}
if (fault === 'publishes-from-the-future') {
  const tsEventNs = BigInt(Date.now() + 3_600_000) * 1_000_000n;
  await plugin.publish('demo.events', Buffer.from('tomorrow'), { payloadType: 'text/plain', dedupKey: 't', tsEventNs });
}
await plugin.saveState(Buffer.from(String(starts)));

function keyOf(event: number): string {
  return fault === 'gives-an-event-a-new-key' ? String(Math.random()) : `event-${event}`;
}

/** One connection, and none after it. @throws RpcError when nothing listens. */
function sidecarOnce() {
  return grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 1024 * 1024 });
}

/** Calls Leave before the registration that counts, once it can: with nothing registered, or after a registration. */
async function callFirst(): Promise<void> {
  const connection = await sidecarOnce().catch(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return undefined;
  });
  if (!connection) return callFirst();
  if (fault === 'registers-twice') {
    await connection.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
  }
  await connection.unary(sidecarMethods.leave, create(LeaveRequestSchema)).catch(() => {});
  connection.close();
}

function exitAfterFreeze(): void {
  let lastMs = Date.now();
  setInterval(() => {
    if (Date.now() - lastMs > 1_200) process.exit(1);
    lastMs = Date.now();
  }, 50);
}
