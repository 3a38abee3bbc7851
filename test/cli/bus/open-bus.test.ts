import { afterEach, describe, expect, test } from 'vitest';
import { connectPlugin } from '../../sidecar/plugins.ts';
import { endAll, runCli, startSidecar, writeTemporary } from '../../sidecar/processes.ts';

afterEach(endAll);

const rule = { principals: ['*'], instances: ['*'], pools: ['*'], publish: ['**'], subscribe: ['**'] };

test.each<[string, object, boolean]>([
  ['lets everybody do everything', {}, true],
  ['names the principals', { principals: ['ops'] }, false],
  ['names the instances', { instances: ['quotes-*'] }, false],
  ['names the topics', { publish: ['platform.**'] }, false],
  ['leaves the decision to an administrator', { approval: 'manual' }, false],
])('a bus whose policy %s says so: %j %s', async (_, difference, isOpen) => {
  const policy = JSON.stringify({ deployment: 'local', rules: [{ ...rule, ...difference }] });
  const file = writeTemporary('policy.yml', policy);
  const program = runCli('bus', '--listen', '127.0.0.1:0', '--store', 'memory', '--policy', file);
  await program.seen(/bus listens/);
  const warning = 'the policy lets everybody who reaches the bus be any instance and use every topic';
  expect(program.output.includes(warning)).toBe(isOpen);
});

describe('a bus without a policy', () => {
  test('serves everybody on this machine, and says so', async () => {
    const program = runCli('bus', '--listen', '127.0.0.1:0', '--store', 'memory');
    const [, address = ''] = await program.seen(/bus listens address=(127\.0\.0\.1:\d+) deployment=local/);
    expect(program.output).toMatch(
      /^WARN {2}the bus has no policy: everybody on this machine may be any instance and use every topic$/m,
    );
    const sidecar = await startSidecar(address, { INSTANCE_ID: 'anybody', POOL_TYPE: 'AnyPool' });
    const plugin = await connectPlugin(sidecar.address);
    const heard = Promise.withResolvers<string>();
    await plugin.subscribe('**', { name: 'all' }, ({ topic }) => heard.resolve(topic));
    expect(await plugin.publish('any.topic.at.all', Buffer.from('1'))).toMatchObject({ outcome: 'accepted' });
    expect(await heard.promise).toBe('any.topic.at.all');
    await plugin.stop('done');
  });

  test.each([':0', '0.0.0.0:0', '[::]:0', '10.0.0.1:8443', 'bus.example:8443'])(
    'does not listen on %s, where others reach it',
    async (listen) => {
      const program = runCli('bus', '--listen', listen, '--store', 'memory');
      expect(await program.exited).toBe(78);
      expect(program.stderr).toContain(`the bus has no policy, and is to listen on ${listen}, which others can reach`);
      expect(program.stderr).toMatch(
        /Name a policy file with --policy, or leave --listen away\. {2}\[bus\/policy\/missing\]/,
      );
    },
  );
});
