import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet, type RequestOptions } from 'node:https';
import { afterEach, describe, expect, test } from 'vitest';
import { RawSession } from '../bus/raw-session.ts';
import { ownLoopback } from '../sidecar/own-loopback.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, runCli, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { busNames, CertificateFiles } from '../sidecar/secured-bus.ts';
import { createAuthority } from '../transport/certificates.ts';
import { consoleUrl, useChromium } from './browser.ts';

const chromium = useChromium();
const script = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

afterEach(endAll);

/** The status of a request, and what it gets until the answer ends or has a first event. */
function answerTo(url: string, headers: Readonly<Record<string, string>>, method = 'GET', tls?: RequestOptions) {
  return new Promise<{ status: number; text: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const get = tls ? httpsGet : httpGet;
    const request = get(url, { headers, method, ...tls }, (response) => {
      let text = '';
      const done = (): void => {
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
        request.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('event: state')) done();
      });
      response.on('end', done);
    });
    request.on('error', reject);
  });
}

test('a hostile topic, instance id, payload type and error show as text', async () => {
  const bus = await startBus(undefined, 'memory', '--console', '127.0.0.1:0');
  const { page, faults } = await chromium.open(await consoleUrl(bus.program));
  const plugin = await connectPlugin((await startSidecar(bus.address)).address);
  const deadLetters = { afterAttempts: 1, topic: 'platform.oms.dead' };
  await plugin.subscribe('platform.oms.in', { name: 'orders', deadLetters }, () => {
    throw new Error(script);
  });
  await plugin.publish('platform.oms.in', Buffer.from(script), { payloadType: script });
  await page.locator('#dead-letters td', { hasText: script }).waitFor({ timeout: 2_000 });
  await expect(RawSession.open(bus.address, script, script)).rejects.toThrow();
  await page.locator('#problems tbody td:nth-child(3)', { hasText: script }).waitFor({ timeout: 2_000 });
  const session = await RawSession.open(bus.address, 'oms-2', 'OMSPool');
  session.send({
    case: 'publish',
    value: { sequence: 1n, envelope: { meta: { topic: script }, payload: new Uint8Array() } },
  });
  await page.locator('#problems tbody td:nth-child(4)', { hasText: script }).first().waitFor({ timeout: 2_000 });
  session.close();
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(faults).toEqual([]);
});

describe('on loopback', () => {
  test('the page and its events have a strict content security policy, and nothing is kept', async () => {
    const bus = await startBus(undefined, 'memory', '--console', '127.0.0.1:0');
    const url = await consoleUrl(bus.program);
    for (const path of ['', 'app.js', 'style.css', 'events', 'nothing']) {
      const { headers } = await answerTo(`${url}${path}`, {});
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; /);
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/);
    }
    const { page } = await chromium.open(url);
    await page.getByText('live', { exact: true }).waitFor();
    await expect(page.evaluate("document.body.innerHTML = '<p>'")).rejects.toThrow(/TrustedHTML/);
  });

  test.each([
    ['a name that leads here', { host: 'evil.example' }, 'GET', 403],
    ['the page of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 'GET', 403],
    ['a method that changes', {}, 'POST', 405],
    ['a method that removes', {}, 'DELETE', 405],
    ['its own name', { host: 'localhost:9465' }, 'GET', 200],
  ] as const)('asked by %s', async (_, headers, method, status) => {
    const bus = await startBus(undefined, 'memory', '--console', '127.0.0.1:0');
    const answer = await answerTo(`${await consoleUrl(bus.program)}events`, headers, method);
    expect(answer.status).toBe(status);
    expect(answer.text.includes('deployment')).toBe(status === 200);
  });

  test('the seventeenth page is refused, and the bus serves on', async () => {
    const bus = await startBus(undefined, 'memory', '--console', '127.0.0.1:0');
    const url = await consoleUrl(bus.program);
    const stop = new AbortController();
    const open = async () => (await fetch(`${url}events`, { signal: stop.signal })).status;
    const statuses: number[] = [];
    for (let page = 0; page < 17; page += 1) statuses.push(await open());
    expect(statuses).toEqual([...Array.from({ length: 16 }, () => 200), 503]);
    stop.abort();
    await startSidecar(bus.address);
    await expect.poll(async () => (await answerTo(`${url}events`, {})).status).toBe(200);
  });
});

describe('where others reach it', () => {
  const policy = `
deployment: secret-deployment
admins: [ops]
tokens: { ${sha256('tok-ops')}: ops, ${sha256('tok-dev')}: dev }
rules:
  - { principals: ['*'], instances: ['*'], pools: ['*'], publish: ['**'] }
`;

  const authority = createAuthority('Console', 'ecdsa');

  async function startExposed(...more: readonly string[]) {
    const files = new CertificateFiles(authority.issue('bus', busNames));
    const policyFile = writeTemporary('policy.yml', policy);
    const program = runCli(
      ...['bus', '--listen', `${ownLoopback}:0`, '--store', 'memory', '--policy', policyFile, ...more],
      ...['--tls-certificate', files.certificate, '--tls-key', files.key, '--console', '0.0.0.0:0'],
    );
    return { url: (await consoleUrl(program)).replace('0.0.0.0', '127.0.0.1'), policyFile };
  }

  test('it shows nothing without the token of an administrator, and everything with it', async () => {
    const { url, policyFile } = await startExposed();
    const { page } = await chromium.open(url, { ignoreHTTPSErrors: true });
    const field = page.getByLabel('Token of an administrator');
    await field.waitFor();
    for (const [token, refusal] of [
      ['tok-nobody', 'the credential is not accepted'],
      ['tok-dev', 'principal "dev" is not named'],
    ] as const) {
      await field.fill(token);
      await page.keyboard.press('Enter');
      await page.getByText(refusal).waitFor();
      expect(await page.content()).not.toContain('secret-deployment');
      expect(await page.locator('#shown').isVisible()).toBe(false);
    }
    await field.fill('tok-ops');
    await page.keyboard.press('Enter');
    await page.getByText('secret-deployment').waitFor();
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')).toBe(
      '{}{}',
    );
    // The policy is read again when it changes, and no longer names the reader.
    writeFileSync(`${policyFile}.new`, policy.replace('admins: [ops]', 'admins: [others]'));
    renameSync(`${policyFile}.new`, policyFile);
    await field.waitFor();
    expect(await page.content()).not.toContain('secret-deployment');
  });

  test('a client certificate of an administrator opens it where the bus asks for one, and no other', async () => {
    const { url } = await startExposed('--tls-client-ca', writeTemporary('ca.pem', authority.ca));
    const foreign = createAuthority('Foreign', 'ecdsa');
    for (const [issued, status] of [
      [authority.issue('ops'), 200],
      [authority.issue('plugin-a'), 403],
      [foreign.issue('ops'), 401],
      [undefined, 401],
    ] as const) {
      const own = issued && { cert: issued.certificate, key: issued.key };
      const answer = await answerTo(`${url}events`, {}, 'GET', { ca: authority.ca, ...own });
      expect([status, answer.status, answer.text.includes('deployment')]).toEqual([status, status, status === 200]);
    }
  });

  test.each([
    ['without TLS', ['--policy', 'FILE'], 'no TLS'],
    ['without a policy', [], 'no TLS'],
  ])('it is not served %s', async (_, flags, reason) => {
    const file = writeTemporary('policy.yml', policy);
    const given = flags.map((flag) => (flag === 'FILE' ? file : flag));
    const listen = ['--listen', `${ownLoopback}:0`, '--store', 'memory'];
    const program = runCli('bus', ...listen, ...given, '--console', ':0');
    expect(await program.exited).toBe(78);
    expect(program.stderr).toContain(reason);
    expect(program.stderr).toContain('[bus/console/exposed]');
  });

  test('an address that cannot be used is named', async () => {
    const program = runCli('bus', '--listen', `${ownLoopback}:0`, '--store', 'memory', '--console', 'nonsense');
    expect(await program.exited).toBe(69);
    expect(program.stderr).toContain('[bus/console/address]');
  });
});
