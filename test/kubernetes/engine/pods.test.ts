import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../compose/engine/build-dir.ts';
import { nodePlugin, pythonPlugin } from '../../compose/engine/images.ts';
import type { Cluster } from './cluster.ts';
import { addOperator, applyManifests, instancesOf, operatorToken } from './quotes-cluster.ts';

describe.each([
  ['node', nodePlugin],
  ['python', pythonPlugin],
])('the manifests with the fixture plugin of %s', (language, image) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await applyManifests(language, image);
  });
  afterAll(() => cluster?.end());

  /** Those entries of the journal, in the order in which they came. */
  const inOrder = (...entries: string[]): string[] =>
    cluster.journal.entries.filter((entry) => entries.includes(entry));

  test('start a plugin once its sidecar has started, and the next pod once this one is ready', () => {
    const expected = ['quotes-0', 'quotes-1'].flatMap((pod) => [
      `${pod}/sidecar runs`,
      `${pod}/sidecar started`,
      `${pod}/plugin runs`,
      `${pod}/plugin started`,
      `${pod} is ready`,
    ]);
    expect(inOrder(...expected)).toEqual(expected);
  });

  test.each([
    ['meridian-bus-0', 'bus', 256],
    ['quotes-0', 'sidecar', 128],
    ['quotes-0', 'plugin', 256],
  ])('confine %s/%s, in %i MiB', async (pod, container, mebibytes) => {
    const status = await cluster.exec(pod, container, 'sh', '-c', 'echo "$(</proc/1/status)"');
    const facts = Object.fromEntries(status.split('\n').map((line) => line.split(/:\s+/)));
    expect(facts).toMatchObject({ CapEff: '0000000000000000', CapBnd: '0000000000000000' });
    expect([facts['Uid'], facts['Gid']]).toEqual(Array(2).fill(Array(4).fill(1000).join('\t')));
    expect(facts).toMatchObject({ NoNewPrivs: '1', Seccomp: '2' });
    // By either version of control groups.
    const limit =
      'for file in memory.max memory/memory.limit_in_bytes; do echo "$(</sys/fs/cgroup/$file)"; done 2>/dev/null';
    expect((await cluster.exec(pod, container, 'sh', '-c', limit)).trim()).toBe(`${mebibytes * 1024 * 1024}`);
    const command = await cluster.exec(pod, container, 'bash', '-c', 'read -r words </proc/1/cmdline; echo "$words"');
    // The image gives V8 half of the limit, so that raising the limit is all that it takes.
    if (container !== 'plugin') expect(command).toContain(`--max-old-space-size=${mebibytes / 2}`);
    await expect(cluster.exec(pod, container, 'sh', '-c', 'echo >/tmp/file')).rejects.toThrow('Read-only file system');
  });

  test('let the plugin talk to the bus, as the instance with the name of its pod', async () => {
    for (const pod of ['quotes-0', 'quotes-1']) {
      await cluster.logged(pod, 'plugin', /^running$/m);
      await cluster.logged(pod, 'sidecar', /to=RUNNING/);
    }
    addOperator(cluster);
    await expect
      .poll(() => instancesOf(cluster).catch((error: Error) => error.message))
      .toEqual(['quotes-0 active', 'quotes-1 active']);
  });

  test('answer the commands of docs/kubernetes.md', async () => {
    const page = readFileSync(path.join(root, 'docs/kubernetes.md'), 'utf8');
    const commands = [...page.matchAll(/^kubectl exec (\S+) -c (\S+) -- (.+)$/gm)];
    expect(commands).not.toEqual([]);
    for (const [, pod = '', container = '', command = ''] of commands) {
      const output = await cluster.exec(
        pod,
        container,
        'bash',
        '-c',
        command.replace('TOKEN_OF_OPERATOR', operatorToken),
      );
      expect(output).toMatch(/^quotes-[01] +active/m);
    }
    const { host } = cluster.pod('quotes-0');
    const { text } = await cluster.ask({ by: 'http', host, port: 9192, path: '/status', timeoutMs: 5_000 });
    expect(JSON.parse(text)).toMatchObject({ instanceId: 'quotes-0' });
  });

  test('stop the plugin before its sidecar, both in order, and leave no instance at the bus', async () => {
    const pods = ['quotes-1', 'quotes-0'];
    await cluster.scale('quotes', 0);
    // Asked within the lease: the ids were given up, and did not expire.
    expect(await instancesOf(cluster)).toEqual([]);
    const expected = pods.flatMap((pod) => [
      `${pod}/plugin gets SIGTERM`,
      `${pod}/plugin ended with 0`,
      `${pod}/sidecar gets SIGTERM`,
      `${pod}/sidecar ended with 0`,
      `${pod} is deleted`,
    ]);
    expect(inOrder(...expected)).toEqual(expected);
    await cluster.scale('meridian-bus', 0);
    expect(cluster.journal.entries).toContain('meridian-bus-0/bus ended with 0');
  });
});
