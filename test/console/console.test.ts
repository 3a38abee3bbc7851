import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { approvalCommand } from '../../src/contract/wire/topics/approval-command.ts';
import { administer, automatic, manualSubscribe, startGrantsBus } from '../cli/bus-grants-fixtures.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, spawnSidecar, startBus, startSidecar } from '../sidecar/processes.ts';
import { consoleUrl, useChromium } from './browser.ts';

const chromium = useChromium();
/** What happens on the bus shows within it. */
const soon = { timeout: 2_000 };

afterEach(endAll);

async function startConsole(...more: readonly string[]) {
  const bus = await startBus(undefined, 'memory', '--console', '127.0.0.1:0', ...more);
  return { bus, url: await consoleUrl(bus.program) };
}

describe('what happens on the bus shows within two seconds', () => {
  test('an instance, its topics and its subscriptions with their lag', async () => {
    const { bus, url } = await startConsole();
    const { page, faults } = await chromium.open(url);
    await page.getByText('live', { exact: true }).waitFor();
    const sidecar = await startSidecar(bus.address);
    await page.locator('#instances td', { hasText: 'oms-1' }).waitFor(soon);
    expect(await page.locator('#instances tbody tr').textContent()).toMatch(/active[\s\S]*OMSPool[\s\S]*open/);
    const plugin = await connectPlugin(sidecar.address);
    await plugin.subscribe('platform.oms.*', { name: 'orders' }, () => new Promise(() => {}));
    for (let sent = 0; sent < 5; sent += 1) await plugin.publish('platform.oms.in', Buffer.from('x'));
    const topic = page.locator('#topics tbody tr', { hasText: 'platform.oms.in' });
    await topic.locator('td:nth-child(2)', { hasText: /^5$/ }).waitFor(soon);
    const subscription = page.locator('#subscriptions tbody tr', { hasText: 'oms-1 orders' });
    await subscription.locator('td:nth-child(5)', { hasText: /^5$/ }).waitFor(soon);
    expect(await subscription.textContent()).toContain('platform.oms.*');
    await page.locator('#instances td:nth-child(8)', { hasText: /^5$/ }).waitFor(soon);
    // A sample is taken every ten seconds.
    await expect.poll(() => topic.locator('svg').count()).toBe(3);
    const published = topic.locator('figcaption', { hasText: /^now 0\.5, most 0\.5$/ });
    await published.first().waitFor({ timeout: 12_000 });
    sidecar.program.signal('SIGTERM');
    await sidecar.program.exited;
    await page.getByText('No instance is registered.').waitFor(soon);
    expect(faults).toEqual([]);
  });

  test('a grant that waits, with the command that decides it, until it is run', async () => {
    const bus = await startGrantsBus(manualSubscribe, undefined, ['--console', '127.0.0.1:0']);
    const { page } = await chromium.open(await consoleUrl(bus.program));
    spawnSidecar(bus.address);
    await page.locator('#grants td', { hasText: 'subscribe platform.news' }).waitFor(soon);
    const shown = await page.locator('#grants code').allTextContents();
    const grant = (pattern: string) => approvalCommand('oms-1', [{ action: 'subscribe', pattern }]);
    expect(shown).toEqual([grant('platform.data.*'), grant('platform.news')]);
    await administer(bus, ['grants', 'approve', 'oms-1', '--all']);
    await page.getByText('No grant waits for an approval.').waitFor(soon);
  });

  test('a dead letter with its reason, and a refusal with its id, which leads to what to do', async () => {
    const { bus, url } = await startConsole();
    const { page, faults } = await chromium.open(url);
    const plugin = await connectPlugin((await startSidecar(bus.address)).address);
    const deadLetters = { afterAttempts: 2, topic: 'platform.oms.dead' };
    await plugin.subscribe('platform.oms.in', { name: 'orders', deadLetters }, () => {
      throw new Error('cannot');
    });
    await plugin.publish('platform.oms.in', Buffer.from('x'));
    const letter = page.locator('#dead-letters tbody tr');
    await letter.waitFor(soon);
    expect(await letter.textContent()).toContain('none of 2 attempts succeeded; kept on platform.oms.dead');
    spawnSidecar(bus.address, { INSTANCE_ID: 'stranger-1' });
    const refusal = page.locator('#problems tbody tr', { hasText: 'stranger-1' }).first();
    await refusal.waitFor(soon);
    await refusal.getByRole('link', { name: 'registration-refused' }).click();
    expect(await page.locator('dt:target + dd').textContent()).toContain("the rules of the bus's policy");
    expect(faults).toEqual([]);
  });

  test('that the bus is gone, and that it is back', async () => {
    const { bus, url } = await startConsole();
    const { page } = await chromium.open(url);
    await page.getByText('live', { exact: true }).waitFor();
    bus.program.signal('SIGTERM');
    await bus.program.exited;
    await page.getByText('connecting again').or(page.getByText('trying again')).waitFor(soon);
    await startBus(undefined, 'memory', '--console', new URL(url).host);
    await page.getByText('live', { exact: true }).waitFor({ timeout: 5_000 });
  });
});

describe('the page', () => {
  test('is used by keyboard alone: links, filter, copying a command', async () => {
    const bus = await startGrantsBus(manualSubscribe, undefined, ['--console', '127.0.0.1:0']);
    const url = await consoleUrl(bus.program);
    spawnSidecar(bus.address);
    const { page } = await chromium.open(url, { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.locator('#grants code').first().waitFor(soon);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('grants');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Copied').waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied).toBe(await page.locator('#grants code').first().textContent());
    // Two updates later the focus is where it was.
    await page.waitForTimeout(2_500);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Copied');
    await page.keyboard.press('/');
    await page.keyboard.type('no such instance');
    await page.getByText('1 hidden by the filter.').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#instances td', { hasText: 'oms-1' }).waitFor();
  });

  test.each(['light', 'dark'] as const)(
    'on a phone has no horizontal scroll, and is %s as the reader likes',
    async (colorScheme) => {
      const { bus, url } = await startConsole();
      const plugin = await connectPlugin((await startSidecar(bus.address)).address);
      await plugin.publish(`platform.oms.${'long'.repeat(30)}`, Buffer.from('x'));
      const { page } = await chromium.open(url, { viewport: { width: 360, height: 740 }, colorScheme });
      await page.locator('#topics td', { hasText: 'longlong' }).waitFor(soon);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      const brightness = Number(/\d+/.exec(ground)?.[0]);
      expect(brightness > 128).toBe(colorScheme === 'light');
    },
  );
});

test('the picture in docs/bus.md is of this page', async () => {
  const more =
    "  - { principals: ['*'], instances: ['dgm-*'], pools: [DGMPool], publish: [platform.data.*], approval: manual }";
  const flags = ['--console', '127.0.0.1:0', '--store', 'memory'];
  const bus = await startGrantsBus(automatic(more), undefined, flags);
  spawnSidecar(bus.address, { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool' });
  spawnSidecar(bus.address, { INSTANCE_ID: 'stranger-1' });
  const oms = await startSidecar(bus.address);
  const plugin = await connectPlugin(oms.address);
  const deadLetters = { afterAttempts: 2, topic: 'platform.oms.dead' };
  await plugin.subscribe('platform.oms.orders', { name: 'orders', deadLetters }, ({ payload }) => {
    if (payload.length === 0) throw new Error('an order is empty');
  });
  await plugin.subscribe('platform.oms.*', { name: 'slow' }, () => new Promise(() => {}));
  const { page } = await chromium.open(await consoleUrl(bus.program), { viewport: { width: 1280, height: 1200 } });
  await plugin.publish('platform.oms.orders', Buffer.alloc(0));
  const samples = process.env['MERIDIAN_PICTURES'] ? 12 : 2;
  for (let sample = 0; sample < samples; sample += 1) {
    const count = 20 + 15 * ((sample * 7) % 5);
    for (let sent = 0; sent < count; sent += 1) await plugin.publish('platform.oms.orders', Buffer.from('x'));
    await page.waitForTimeout(10_000);
  }
  await page.locator('#grants code').first().waitFor(soon);
  await page.locator('#dead-letters tbody tr').first().waitFor(soon);
  // Its own topic, and that of the dead letter.
  expect(await page.locator('#topics svg').count()).toBe(6);
  if (process.env['MERIDIAN_PICTURES']) {
    await page.screenshot({ path: path.resolve(import.meta.dirname, '../../docs/images/console.png') });
  }
});
