// Writes down every message and answers none, so that all stay unacknowledged. Our own client would not do: what its
// handler fails to handle it asks for again after a while, and that repeat would pass for one that a kill brought about.

import { silentLog } from '../../../src/base/log/log.ts';
import { realScheduler } from '../../../src/base/time/real-scheduler.ts';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { ConsumeRequestSchema, StartAt } from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from '../../../src/contract/wire/methods.ts';
import { messageFrom } from '../../../src/plugin/message.ts';
import { SidecarConnection } from '../../../src/plugin/sidecar-connection.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import type { Connection } from '../../../src/transport/rpc.ts';
import type { LedgerEntry } from '../entries.ts';
import { openJournal } from '../journal.ts';
import { takenFrom } from './taken.ts';

const [file = '', pattern = ''] = process.argv.slice(2);
const write = openJournal<LedgerEntry>(file);
const sidecar = new SidecarConnection({
  network: grpcNetwork,
  scheduler: realScheduler,
  log: silentLog,
  address: process.env.SIDECAR_ADDR ?? '',
  schemaVersion: '1.0.0',
  onConnected: (connection) => void keepAll(connection),
});
await sidecar.open(60_000);

async function keepAll(connection: Connection): Promise<void> {
  const stream = connection.stream(pluginMethods.consume);
  const credit = { messages: 256, bytes: 4 * 1024 * 1024 };
  const open = { name: 'keeper', pattern, startAt: StartAt.LAST_ACKNOWLEDGED, credit };
  stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value: open } }));
  for await (const { event } of stream) {
    if (event.case === 'opened') write({ kind: 'subscribed' });
    if (event.case !== 'message' || !event.value.envelope) continue;
    const { envelope, position, maybeRedelivered } = event.value;
    write({ kind: 'received', ...takenFrom({ ...messageFrom(envelope), position, maybeRedelivered }) });
  }
}
