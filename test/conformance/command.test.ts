import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { conformanceTests } from '../../src/conformance/conformance-tests.ts';
import { endAll, type Program, runCli, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

const nodePlugin = path.resolve(import.meta.dirname, '../../fixtures/node-plugin/plugin.js');
const demoGrants = ['--grant', 'publish:demo.*', '--grant', 'subscribe:demo.*'];

function runConformance(...args: string[]): Program {
  return runCli('conformance', ...args);
}

describe('meridian-sidecar conformance', () => {
  test('finds nothing wrong with the Node plugin, and writes JSON and JUnit', async () => {
    const junit = writeTemporary('junit.xml', '');
    const program = runConformance(...demoGrants, '--json', '--junit', junit, '--', process.execPath, nodePlugin);
    expect(await program.exited, program.output).toBe(0);
    const { passed, tests } = JSON.parse(program.stdout);
    expect(passed).toBe(true);
    expect(tests.map(({ id, outcome }: { id: string; outcome: string }) => [id, outcome])).toEqual(
      // It is in no group.
      conformanceTests.map(({ id }) => [id, id === 'group-handover' ? 'not applicable' : 'passed']),
    );
    expect(readFileSync(junit, 'utf8')).toMatch(/<testsuite name=".*plugin\.js" tests="15" failures="0" skipped="1">/);
  });

  test('shows the last output of a plugin that does not register, and exits with 1', async () => {
    const script = 'console.log("no <license>"); process.exit(3)';
    const program = runConformance('--only', 'register', 'dedup-key', '--', process.execPath, '-e', script);
    expect(await program.exited).toBe(1);
    expect(program.stdout).toMatch(/^lifecycle +Register +FAIL .* it exited with code 3$/m);
    expect(program.stdout).toMatch(/^messages +Dedup key +FAIL .* not reached: it did not register$/m);
    expect(program.stdout).toContain('  | no <license>\n');
  });

  test.each([
    ['no command', [], "missing required argument 'command'"],
    ['an unknown test', ['--only', 'luck', '--', 'true'], "'luck' is invalid"],
    ['a command that is not there', ['--', 'no-such-plugin'], '[conformance/command/not-started]'],
    ['a grant without an action', ['--grant', 'demo.*', '--', 'true'], '[conformance/grant/format]'],
    ['a grant on what is not a pattern', ['--grant', 'publish:a..b', '--', 'true'], 'has an empty segment (2 of 3)'],
    ['a message without a payload', ['--message', 'demo.ticks', '--', 'true'], '[conformance/message/format]'],
    ['a timeout that is none', ['--timeout', 'soon', '--', 'true'], '[conformance/timeout/format]'],
  ])('%s is a usage error', async (_what, args, message) => {
    const program = runConformance(...args);
    expect(await program.exited).toBe(64);
    expect(program.stderr).toContain(message);
    expect(program.stderr).not.toContain('    at ');
  });

  test('ended by a signal, ends the plugin and what it started too', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const program = runConformance(
      '--',
      'sh',
      '-c',
      `"${process.execPath}" -e 'net.connect(${port}, "127.0.0.1")'; true`,
    );
    const [connection] = (await once(server, 'connection')) as [Socket];
    // It lives for as long as its process does.
    const over = once(
      connection.resume().on('error', () => {}),
      'close',
    );
    program.signal('SIGINT');
    expect(await program.exited).toBe(130);
    await over;
    server.close();
  });
});

describe('docs/conformance.md', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/conformance.md'), 'utf8');

  test('lists the tests with what a plugin that passes does', () => {
    const rows = conformanceTests.map(({ group, name, sentence }) => `| ${group} | ${name} | ${sentence} |`);
    expect(page).toContain(`|---|---|---|\n${rows.join('\n')}\n\n`);
  });

  test('explains every option', async () => {
    const help = runConformance('--help');
    expect(await help.exited).toBe(0);
    const options = [...help.stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option = '']) => option);
    expect(options.length).toBeGreaterThan(5);
    expect(options.filter((option) => !page.includes(`\`${option}`))).toEqual([]);
  });
});
