import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { freePorts } from '../cluster/free-ports.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, Program, spawnSidecar, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { alertRules, rulesFile } from './alert-rules.ts';

afterEach(endAll);

/** Every query of the dashboard. */
const dashboardQueries = (
  JSON.parse(readFileSync(path.resolve('fixtures/grafana/meridian.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  }
).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

interface Answer {
  readonly status: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** A Prometheus that scrapes these addresses each second, and has the rules of fixtures. */
async function startPrometheus(jobs: Readonly<Record<string, string>>): Promise<(query: string) => Promise<Answer>> {
  const scrapes = Object.entries(jobs).map(
    ([job, target]) => `  - { job_name: ${job}, static_configs: [{ targets: ['${target}'] }] }`,
  );
  const config = writeTemporary(
    'prometheus.yml',
    [
      'global: { scrape_interval: 1s, evaluation_interval: 1s }',
      `rule_files: ['${rulesFile}']`,
      'scrape_configs:',
      ...scrapes,
    ].join('\n'),
  );
  const [port = 0] = await freePorts(1);
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${path.join(path.dirname(config), 'data')}`];
  const program = new Program([...flags, `--web.listen-address=127.0.0.1:${port}`], {}, 'prometheus');
  await program.seen(/Server is ready/);
  return async (query) => {
    const url = new URL(`http://127.0.0.1:${port}/api/v1/query`);
    url.searchParams.set('query', query);
    return (await (await fetch(url)).json()) as Answer;
  };
}

test('a real Prometheus takes the rules, and the metrics of a bus and a sidecar give what they ask for', async () => {
  const store = writeTemporary('bus.sqlite', '');
  const bus = await startBus(undefined, store, '--metrics', '127.0.0.1:0');
  const [, port = ''] = await bus.program.seen(/metrics are served port=(\d+)/);
  const { address, healthUrl } = await startSidecar(bus.address);
  const plugin = await connectPlugin(address);
  const held = Promise.withResolvers<void>();
  await plugin.subscribe('platform.oms.orders', { name: 'orders' }, () => held.promise);
  const onlyOnce = { name: 'bad', deadLetters: { topic: 'platform.oms.dead', afterAttempts: 1 } };
  await plugin.subscribe('platform.oms.bad', onlyOnce, () => {
    throw new Error('of the test');
  });
  for (const topic of ['platform.oms.bad', 'platform.oms.orders']) await plugin.publish(topic, Buffer.from('1'));
  // Refused by the bus, which has a series for each kind that it refused.
  await spawnSidecar(bus.address, { INSTANCE_ID: 'nobody' }).exited;
  const jobs = { 'meridian-bus': `127.0.0.1:${port}`, 'meridian-sidecar': healthUrl.replace('http://', '') };
  const query = await startPrometheus(jobs);
  const values = async (text: string): Promise<number[]> =>
    (await query(text)).data.result.map(({ value }) => Number(value[1]));
  await expect.poll(() => values('count(up == 1)'), { timeout: 30_000 }).toEqual([2]);

  // A rate needs two scrapes.
  const isAnswered = async (expr: string) => (await query(expr)).data.result.length > 0;
  for (const expr of dashboardQueries) {
    await expect.poll(() => isAnswered(expr), { message: expr, timeout: 30_000 }).toBe(true);
  }
  for (const { alert, expr } of alertRules) expect((await query(expr)).status, alert).toBe('success');
  const named = new Set(alertRules.flatMap(({ expr }) => expr.match(/\bmeridian_\w+/g) ?? []));
  for (const metric of named) {
    await expect.poll(() => values(`count(${metric})`), { message: metric, timeout: 20_000 }).not.toEqual([]);
  }
  const backlog = 'meridian_bus_subscription_backlog_messages{receiver="oms-1",subscription="orders"}';
  // With the dead letter, which came after it: the log retains all that follows.
  expect(await values(backlog)).toEqual([2]);
  const age = 'meridian_bus_subscription_oldest_message_age_seconds';
  const [first = 0] = await values(age);
  await expect.poll(async () => (await values(age))[0] ?? 0, { timeout: 20_000 }).toBeGreaterThan(first + 1);
  held.resolve();
  await expect.poll(() => values(backlog), { timeout: 20_000 }).toEqual([]);
});
