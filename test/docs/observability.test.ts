import { afterEach, expect, test } from 'vitest';
import { type Exposition, scrape } from '../sidecar/metrics/exposition.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { readPage, tableUnder } from './examples.ts';

const page = readPage('observability.md');

afterEach(endAll);

/** Everything that a metric may carry beside its name: type, labels, help; labels are only seen where there are samples. */
function described({ types, helps, samples }: Exposition): string[][] {
  return [...types].map(([name, type]) => {
    const own = samples.filter(
      (sample) => sample.name.replace(/_(?:bucket|sum|count)$/, '') === name || sample.name === name,
    );
    const labels = new Set(own.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== 'le'));
    return [name, type, [...labels].join(', '), helps.get(name) ?? ''];
  });
}

const byName = (a: readonly string[], b: readonly string[]): number => (a[0] ?? '').localeCompare(b[0] ?? '');

/** What is documented and what is exported; labels are compared where a sample shows them. */
function compared(exported: string[][], documented: string[][]) {
  const rows = documented.toSorted(byName);
  const found = exported.toSorted(byName).map(([name = '', type = '', labels = '', help = '']) => {
    const row = rows.find(([documentedName]) => documentedName === name);
    return [name, type, labels === '' ? (row?.[2] ?? '') : labels, help];
  });
  return { rows, found };
}

test('the tables of docs/observability.md name all metrics of a running sidecar and a running bus, and no others', async () => {
  const audit = writeTemporary('audit.log', '');
  const store = writeTemporary('bus.sqlite', '');
  const bus = await startBus(undefined, store, '--metrics', '127.0.0.1:0', '--audit', audit);
  const [, port = ''] = await bus.program.seen(/metrics are served port=(\d+)/);
  const { address, healthUrl } = await startSidecar(bus.address, { SIDECAR_AUDIT_LOG: audit });
  const plugin = await connectPlugin(address);
  const taken = Promise.withResolvers<void>();
  await plugin.subscribe('platform.oms.*', { name: 'orders' }, () => taken.resolve());
  await plugin.publish('platform.oms.orders', Buffer.from('1'));
  await plugin.request('platform.ask.price', Buffer.from('?'));
  await taken.promise;

  const ofSidecar = compared(described(await scrape(healthUrl)), tableUnder(page, 'Metrics of the sidecar'));
  expect(ofSidecar.found).toEqual(ofSidecar.rows);
  const ofBus = compared(described(await scrape(`http://127.0.0.1:${port}`)), tableUnder(page, 'Metrics of the bus'));
  expect(ofBus.found).toEqual(ofBus.rows);
});
