import { afterEach, describe, expect, test } from 'vitest';
import { variableSettings } from '../../src/contract/config/settings.ts';
import { loadSidecarConfig } from '../../src/contract/config/sidecar-config.ts';
import type { ServiceType } from '../../src/contract/wire/codec/message.ts';
import {
  ConsumedMessageSchema,
  LifecycleEventSchema,
  PluginService,
  PublishOutcome,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { MessageMetaSchema } from '../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { CallFailure, SidecarService } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { patternProblem } from '../../src/contract/wire/topics/topic.ts';
import { healthReply } from '../../src/sidecar/health/health-report.ts';
import type { SidecarState } from '../../src/sidecar/lifecycle/sidecar-state.ts';
import { httpLimits } from '../../src/transport/http/http-limits.ts';
import { endAll, startBus, startSidecar } from '../sidecar/processes.ts';
import { readPage, tableUnder } from './examples.ts';

const page = readPage('contract.md');
const defaults = load();

afterEach(endAll);

describe('the tables of docs/contract.md say what the programs do', () => {
  test('the calls of both services', () => {
    const kinds: Readonly<Record<string, string>> = {
      unary: 'unary',
      server_streaming: 'server stream',
      bidi_streaming: 'two-way stream',
    };
    const calls = [SidecarService, PluginService].flatMap(({ typeName, methods }: ServiceType) =>
      Object.values(methods).map(({ name, kind }) => [typeName.split('.').at(-1), name, kinds[kind]]),
    );
    expect(tableUnder(page, 'Services').map((cells) => cells.slice(0, 3))).toEqual(calls);
  });

  test('the variables of the plugin', () => {
    const described = [...variableSettings].filter(([, { readBy }]) => readBy?.includes('plugin'));
    expect(tableUnder(page, 'Environment').map(([name, , value]) => [name, value])).toEqual(
      described.map(([name, setting]) => [name, setting.default ?? '']),
    );
  });

  test('the steps of a start', async () => {
    const rows = tableUnder(page, 'The eight steps of a start');
    const bus = await startBus();
    const { program } = await startSidecar(bus.address);
    const logged = [...program.stdout.matchAll(/startup (\d)\/8: (\w+ \w+)/g)].map(
      ([, number, name]) => `${number} ${name}`,
    );
    expect(rows.map(([step = '']) => step)).toEqual(logged.map((start) => expect.stringContaining(start)));
  });

  test('the outcomes of a publish', () => {
    const outcomes = tableUnder(page, 'Publishing').map(([, , outcome = '']) =>
      outcome.replace('PUBLISH_OUTCOME_', ''),
    );
    expect(outcomes).toEqual(
      Object.keys(PublishOutcome).filter((name) => !['UNSPECIFIED'].includes(name) && /^\D/.test(name)),
    );
  });

  test('the fields of a message', () => {
    const rows = tableUnder(page, 'Fields of a message');
    expect(rows.filter(([, from = '']) => !['sidecar', 'plugin'].includes(from))).toEqual([]);
    const named = rows.flatMap(([names = '']) => names.split(', '));
    expect(new Set(named)).toEqual(new Set(MessageMetaSchema.fields().map(({ name }) => name)));
  });

  test('the failures of a call', () => {
    const failures = Object.keys(CallFailure).filter((name) => /^[A-Z]/.test(name) && name !== 'UNSPECIFIED');
    const outcomes = tableUnder(page, 'Calls').map(([outcome]) => outcome);
    expect(new Set(outcomes)).toEqual(new Set(['answered', ...failures]));
    expect(outcomes).toHaveLength(failures.length + 1);
  });

  test('the callbacks', () => {
    const named = tableUnder(page, 'Callbacks').flatMap(([names = '']) => names.split(', '));
    const events = LifecycleEventSchema.fields().map(({ message }) => message?.typeName.split('.').at(-1) ?? '');
    expect(named.sort()).toEqual(events.filter((name) => name !== 'Attached').sort());
    expect(ConsumedMessageSchema.fields().map(({ name }) => name)).toContain('maybe_redelivered');
  });

  test('the answers to probes', () => {
    const rows = page.matchAll(/^\| ([A-Z_, ]+) \| (\d+) \| (\d+) \| (\d+) \|$/gm);
    const seen: string[] = [];
    for (const [, states = '', ...expected] of rows) {
      for (const state of states.split(', ') as SidecarState[]) {
        seen.push(state);
        const replies = ['/livez', '/readyz', '/healthz'].map((probe) => `${healthReply(probe, state).status}`);
        expect([state, ...replies]).toEqual([state, ...expected]);
      }
    }
    expect(seen).toHaveLength(9);
  });

  test('the limits', () => {
    const size = (bytes: number): string => (bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes / 1024} KiB`);
    const { outbox, credits, callTimeoutMs, maxCallTimeoutMs } = defaults;
    expect(tableUnder(page, 'Limits')).toEqual([
      ['topic', `${limits.topicBytes} bytes, ${limits.topicSegments} segments`],
      ['payload', size(limits.payloadBytes)],
      ['state', size(limits.stateBytes)],
      [
        'one message of any kind',
        `${size(limits.messageBytes)}, ${limits.messageValues.toLocaleString('en')} values of all its fields`,
      ],
      ['subscriptions', `${limits.subscriptions}`],
      ['credits of a subscription', `${credits.messages} messages, ${size(credits.bytes)}`],
      ['unacknowledged messages of a subscription', `${limits.unacknowledgedMessages.toLocaleString('en')} messages`],
      ['outbox', `${outbox.messages.toLocaleString('en')} messages, ${size(outbox.bytes)}, ${outbox.ageMs / 1_000} s`],
      ['call', `${callTimeoutMs / 1_000} s, at most ${maxCallTimeoutMs / 1_000} s`],
      [
        'an HTTP port (health, status, metrics of the bus)',
        `${httpLimits.connections} connections, one request of ${size(httpLimits.requestBytes)} and ${httpLimits.connectionMs / 1_000} s for each`,
      ],
    ]);
  });
});

function load() {
  return loadSidecarConfig({
    environment: { INSTANCE_ID: 'one', POOL_TYPE: 'SignalPool' },
    checkPattern: patternProblem,
  });
}
