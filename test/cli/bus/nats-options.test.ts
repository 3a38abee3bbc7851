import { afterEach, expect, test } from 'vitest';
import { endAll, runCli } from '../../sidecar/processes.ts';

afterEach(endAll);

test.each([
  ['bus', ['bus', '--store', 'nats://user:secret@n1', '--listen', '127.0.0.1:0']],
  ['bus migrate', ['bus', 'migrate', '--from', 'nats://user:secret@n1', '--to', '/proc/nowhere/bus.sqlite']],
])('%s tells everything that is wrong with its options for NATS in one pass, and no secret', async (_, command) => {
  const files = ['--store-credentials', '--store-nkey', '--store-password-file', '--store-tls-ca'];
  const program = runCli(...command, ...files.flatMap((option) => [option, `/proc/nowhere/${option.slice(2)}`]));
  expect(await program.exited).toBe(78);
  expect(program.stderr.match(/\[bus\/store\/nats-\w+\]/g)).toEqual([
    '[bus/store/nats-address]',
    ...files.map(() => '[bus/store/nats-file]'),
  ]);
  for (const option of files) expect(program.stderr).toContain(`/proc/nowhere/${option.slice(2)} of ${option} `);
  expect(program.output).not.toContain('secret');
});
