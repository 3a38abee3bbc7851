import { expect, test } from 'vitest';
import type { MessageType, ServiceType } from '../../src/contract/wire/codec/message.ts';
import { type FieldLimit, limitOf } from '../../src/contract/wire/field-limits/field-limits.ts';
import { Health } from '../../src/contract/wire/gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../src/contract/wire/gen/grpc/reflection/v1/reflection_pb.ts';
import { BusService } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { DeadLetterService } from '../../src/contract/wire/gen/meridian/bus/v1/dead_letters_pb.ts';
import { GrantService } from '../../src/contract/wire/gen/meridian/bus/v1/grants_pb.ts';
import { InstanceService } from '../../src/contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import { OverviewService } from '../../src/contract/wire/gen/meridian/bus/v1/overview_pb.ts';
import { SubscriptionService } from '../../src/contract/wire/gen/meridian/bus/v1/subscriptions_pb.ts';
import { PluginService } from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { MessageMetaSchema } from '../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { SidecarService } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { readPage, tableUnder } from './examples.ts';

/** The limits of all that callers of these services send, by field. */
function limitsOf(...services: readonly ServiceType[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const seen = new Set<MessageType<unknown>>();
  const look = (type: MessageType<unknown>): void => {
    if (seen.has(type)) return;
    seen.add(type);
    for (const field of type.fields()) {
      if (field.message) look(field.message);
      if (!field.isList && field.kind !== 'string' && field.kind !== 'bytes') continue;
      found.set(field.name, (found.get(field.name) ?? new Set()).add(textOf(limitOf(type, field))));
    }
  };
  for (const { input } of services.flatMap(({ methods }) => Object.values(methods))) look(input);
  return found;
}

function textOf({ bytes, items }: FieldLimit): string {
  const number = (value: number): string => value.toLocaleString('en');
  if (items === undefined) return `${number(bytes ?? 0)} bytes`;
  return bytes === undefined ? `${number(items)} items` : `${number(items)} items of ${number(bytes)} bytes`;
}

function documented(page: string): [field: string, limit: string][] {
  return tableUnder(readPage(page), 'Limits of fields').flatMap(([cell = '', limit = '']) => {
    return cell
      .replace(/,? (?:also )?of .*$/, '')
      .split(', ')
      .map((field): [string, string] => [field, limit.split(';')[0] ?? '']);
  });
}

test('docs/contract.md tells the limit of every field that a plugin sends', () => {
  const limits = limitsOf(SidecarService, PluginService, Health, ServerReflection);
  const rows = documented('contract.md');
  expect(rows.map(([field]) => field).sort()).toEqual([...limits.keys()].sort());
  for (const [field, limit] of rows) expect([field, [...(limits.get(field) ?? [])]]).toEqual([field, [limit]]);
});

test('docs/bus.md tells the limit of every other field that a sidecar or an administrator sends', () => {
  const limits = limitsOf(
    BusService,
    DeadLetterService,
    GrantService,
    InstanceService,
    OverviewService,
    SubscriptionService,
  );
  const rows = [...documented('contract.md'), ...documented('bus.md')];
  for (const [field, found] of limits) {
    const told = rows.filter(([name]) => name === field).map(([, limit]) => limit);
    expect([field, told]).toEqual([field, expect.arrayContaining([...found])]);
  }
});

test('docs/bus.md tells of every field of an envelope what the bus believes', () => {
  const fields = tableUnder(readPage('bus.md'), 'What the bus believes')
    .flatMap(([cell = '']) => cell.split(', '))
    .filter((field) => !field.startsWith('payload'));
  expect(fields.sort()).toEqual(
    MessageMetaSchema.fields()
      .map(({ name }) => name)
      .sort(),
  );
});
