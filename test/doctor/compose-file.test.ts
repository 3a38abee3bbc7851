import { afterEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { examineComposeFile } from '../../src/doctor/compose-file.ts';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

interface Changes {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly plugin?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly name?: string;
}

/** A sound file with changes. */
function composeFile({ options, plugin, more, name = 'sidecar' }: Changes = {}): string {
  return stringify({
    services: {
      [name]: { provider: { type: 'meridian-sidecar', options: { 'pool-type': 'OMSPool', ...options } } },
      oms: {
        image: 'oms',
        network_mode: `container:\${COMPOSE_PROJECT_NAME}-${name}-1`,
        depends_on: [name],
        ...plugin,
      },
      ...more,
    },
  });
}

const found = (text: string): string[] =>
  examineComposeFile({ name: 'compose.yaml', text }).flatMap(({ findings }) =>
    findings.map(({ severity, fault }) => `${severity} ${fault.id.replace('doctor/compose/', '')}`),
  );

describe('in a Compose file', () => {
  test.each<[string, Changes]>([
    ['with the least', {}],
    ['with values that Compose fills in', { options: { memory: '$MEMORY', config: '$PWD/sidecar.yml' } }],
    ['with a list where one may be', { options: { publish: ['8080:8080', '9090:9090'] } }],
    ['with conditions on its dependency', { plugin: { depends_on: { sidecar: { condition: 'service_started' } } } }],
    ['with a name that needs no variables', { name: 'my-sidecar', options: { env: false } }],
  ])('nothing is wrong %s', (_, changes) => {
    expect(found(composeFile(changes))).toEqual([]);
  });

  test.each<[string, Changes, string[]]>([
    ['an option that does not exist', { options: { pooltype: 'OMSPool' } }, ['error unknown-option']],
    ['a value that is none of its values', { options: { bus: 'inside' } }, ['error option-value']],
    ['a number that is none', { options: { memory: '128M' } }, ['error option-value']],
    ['a flag that is none', { options: { env: 'maybe' } }, ['error option-value']],
    ['a relative path', { options: { config: './sidecar.yml' } }, ['error option-value']],
    ['a list where one value is due', { options: { bus: ['given', 'embedded'] } }, ['error option-value']],
    ['a plugin that joins nobody', { plugin: { network_mode: 'bridge' } }, ['warning nobody-joins']],
    ['a plugin that does not wait', { plugin: { depends_on: [] } }, ['error depends-on']],
    ['a plugin that joins as Compose cannot', { plugin: { network_mode: 'service:sidecar' } }, ['error network-mode']],
    ['a plugin of several instances', { plugin: { deploy: { replicas: 2 } } }, ['error scaled']],
    [
      'two plugins',
      { more: { ems: { network_mode: 'container:shop-sidecar-1', depends_on: ['sidecar'] } } },
      ['error several-join'],
    ],
    ['a name that no shell can read', { name: 'my-sidecar' }, ['error service-name']],
  ])('%s is found', (_, changes, expected) => {
    expect(found(composeFile(changes))).toEqual(expected);
  });

  test('all faults come at once, of every service', () => {
    const text = composeFile({
      options: { pooltype: 'x', memory: 'much' },
      more: { second: { provider: { type: 'meridian-sidecar', options: { poll: 1 } } } },
    });
    expect(found(text)).toEqual([
      'error unknown-option',
      'error option-value',
      'error unknown-option',
      'warning nobody-joins',
    ]);
  });

  test.each([
    ['is no YAML', 'services: [', 'error yaml'],
    ['has no service of ours', 'services: {web: {image: web}}', 'warning no-provider'],
    ['is empty', '', 'warning no-provider'],
  ])('a file that %s is told', (_, text, expected) => {
    expect(found(text)).toEqual([expected]);
  });
});

describe('meridian-sidecar doctor compose.yaml', () => {
  test('prints what is wrong, with the nearest name, and exits with 78', async () => {
    const file = writeTemporary('compose.yaml', composeFile({ options: { 'instanc-id': 'oms-1' } }));
    const doctor = runCli('doctor', file);
    expect(await doctor.exited).toBe(78);
    expect(doctor.stdout).toContain('service sidecar of compose.yaml');
    expect(doctor.stdout).toContain('- Write `instance-id`.  [doctor/compose/unknown-option]');
  });

  test('exits with 0 when nothing is, and with 64 when there is no such file', async () => {
    const sound = runCli('doctor', '--json', writeTemporary('compose.yaml', composeFile()));
    expect(await sound.exited).toBe(0);
    expect(JSON.parse(sound.stdout)).toMatchObject([{ subject: 'service sidecar of compose.yaml', findings: [] }]);
    const missing = runCli('doctor', 'no-such.yaml');
    expect(await missing.exited).toBe(64);
    expect(missing.stderr).toContain('[doctor/folder/unreadable]');
  });
});
