import { expect, test } from 'vitest';
import { createLog } from '../../../src/base/log/log.ts';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { Action, GrantSetSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { Access } from '../../../src/sidecar/access/access.ts';
import { GrantNotices } from '../../../src/sidecar/access/grant-notices.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

const ticks = { pattern: 'demo.ticks', action: Action.PUBLISH, reason: '' };
const all = { pattern: 'demo.*', action: Action.SUBSCRIBE, reason: 'rules[0] needs an approval' };

function listener() {
  const scheduler = new VirtualScheduler(1);
  const lines: string[] = [];
  const wallTimeNs = () => scheduler.wallTimeNs();
  const log = createLog({ level: 'info', format: 'text', write: (line) => lines.push(line), wallTimeNs });
  const access = new Access();
  const notices = new GrantNotices({ access, instanceId: 'one', scheduler, log });
  const hear = (grants: { granted?: object[]; undecided?: object[]; denied?: object[] }): void => {
    const event = { case: 'grants', value: create(GrantSetSchema, grants) } as const;
    access.onEvent(event);
    notices.onEvent(event);
  };
  return { scheduler, lines, notices, hear };
}

test('what is undecided is logged at once and every 10 s, with the command that approves it, until it is decided', async () => {
  const { scheduler, lines, hear } = listener();
  hear({ undecided: [ticks, all] });
  const line =
    'WARN  waiting for an approval of publish demo.ticks, subscribe demo.* (rules[0] needs an approval); an administrator ' +
    "gives it with: meridian-sidecar bus grants approve one publish 'demo.ticks' && meridian-sidecar bus grants approve one subscribe 'demo.*'";
  expect(lines).toEqual([line]);
  await scheduler.advance(9_999);
  expect(lines).toHaveLength(1);
  await scheduler.advance(10_001);
  expect(lines).toEqual([line, line, line]);
  hear({ granted: [ticks, all] });
  await scheduler.advance(60_000);
  expect(lines).toHaveLength(3);
});

test('what comes and goes later is logged, with the reason that the bus gives', () => {
  const { lines, hear } = listener();
  hear({ granted: [ticks] });
  hear({ granted: [{ ...all, reason: '' }], denied: [{ ...ticks, reason: 'revoked by ops' }] });
  expect(lines).toEqual([
    'INFO  the bus granted subscribe demo.*',
    'WARN  the bus took back publish demo.ticks (revoked by ops)',
  ]);
});

test('nothing is logged any more once it is closed', async () => {
  const { scheduler, lines, notices, hear } = listener();
  hear({ undecided: [all] });
  notices.close();
  await scheduler.advance(60_000);
  expect(lines).toHaveLength(1);
});
