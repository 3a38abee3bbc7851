import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseInvocation } from '../../src/compose/invocation/invocation.ts';
import { readServiceSettings } from '../../src/compose/invocation/service-settings.ts';
import { readPage } from './examples.ts';

const page = readPage('compose.md');

describe('docs/compose.md', () => {
  test('has a Compose file whose provider takes its options', () => {
    const [, text = ''] = /^```yaml\n(.*?)^```/ms.exec(page) ?? [];
    const { services } = parse(text) as {
      services: Record<string, { provider?: { options: Record<string, string> } }>;
    };
    const [service = '', { provider } = {}] = Object.entries(services)[0] ?? [];
    const options = Object.entries(provider?.options ?? {}).map(([name, value]) => `--${name}=${value}`);
    const invocation = parseInvocation(['--project-name=p', 'up', ...options, service]);
    const sources = { readFile: () => '', checkPattern: () => undefined };
    expect(readServiceSettings(invocation, sources)).toMatchObject({ bus: 'embedded', variables: 'prefixed' });
  });

  test('names commands that there are', () => {
    const help = spawnSync(process.execPath, [path.resolve('dist/compose.mjs'), 'compose', '--help'], {
      encoding: 'utf8',
    });
    for (const [, command = ''] of page.matchAll(/`meridian-sidecar compose (\w+)/g)) {
      expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
  });
});
