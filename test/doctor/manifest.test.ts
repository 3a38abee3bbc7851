import { describe, expect, test } from 'vitest';
import { exitCodeFor } from '../../src/doctor/finding.ts';
import { examine, type Folder, found, web } from './examined-folder.ts';

describe('doctor passes what the platform takes: a manifest', () => {
  test.each<[string, Folder]>([
    ['with a number that cf push fills in', { app: { instances: '((many))' }, options: { variables: { many: '2' } } }],
    ['with memory in terabytes', { app: { memory: '1T' } }],
    ['with memory in kilobytes', { app: { memory: '393216K' } }],
    ['with memory in bytes', { app: { memory: '268435456B' } }],
    ['with memory as others write it', { app: { memory: '1.5gib' } }],
    ['with no instance', { app: { instances: 0 } }],
    ['on the stack of now', { app: { stack: 'cflinuxfs4', lifecycle: 'buildpack' } }],
    [
      'with flags and numbers of YAML 1.1',
      {
        manifest: `applications:
          - name: oms
            buildpacks: [meridian-sidecar, nodejs_buildpack]
            memory: 512M
            env: {POOL_TYPE: OMSPool, SIDECAR_HOLD_APP: yes, SIDECAR_EXIT_ON_FAULT: Off, SIDECAR_MEMORY: 0200}`,
      },
    ],
  ])('%s', async (_, folder) => {
    expect(found(await examine(folder))).toEqual([]);
  });
});

describe('doctor finds what the platform refuses or turns into something else: a manifest with', () => {
  test.each<[string, Folder, string]>([
    ['no memory', web({ memory: '0M' }), 'error doctor/manifest/memory'],
    ['negative memory', web({ memory: '-1G' }), 'error doctor/manifest/memory'],
    ['memory with a blank', web({ memory: '256 M' }), 'error doctor/manifest/memory'],
    ['memory in petabytes', web({ memory: '1P' }), 'error doctor/manifest/memory'],
    [
      'an octal number that is too small, as YAML 1.1 reads it',
      {
        manifest: `applications:
          - {name: oms, buildpacks: [meridian-sidecar, nodejs_buildpack], env: {POOL_TYPE: A, SIDECAR_MEMORY: 0100}}`,
      },
      'error config/memory/not-megabytes',
    ],
    ['a list of grants', web({}, { REQUESTED_GRANTS: [{ topic: 'a' }] }), 'error doctor/manifest/env-structure'],
    ['a map where a text is due', web({}, { TAGS: { eod: true } }), 'error doctor/manifest/env-structure'],
    ['a list that only the app reads', web({}, { FEEDS: ['a', 'b'] }), 'warning doctor/manifest/env-notation'],
    ['PORT in env', web({}, { PORT: '8080' }), 'error doctor/manifest/env-reserved'],
    ['port in env', web({}, { port: '8080' }), 'error doctor/manifest/env-reserved'],
    ['VCAP_SERVICES in env', web({}, { VCAP_SERVICES: '{}' }), 'error doctor/manifest/env-reserved'],
    ['a name that begins with VMC', web({}, { VMC_HOME: '/' }), 'error doctor/manifest/env-reserved'],
    ['an old stack', web({ stack: 'cflinuxfs3' }), 'error doctor/manifest/stack'],
    ['a stack of Windows', web({ stack: 'windows2019' }), 'error doctor/manifest/stack'],
    ['Cloud Native Buildpacks', web({ lifecycle: 'cnb' }), 'error doctor/manifest/lifecycle'],
    ['the lifecycle of images', web({ lifecycle: 'docker' }), 'error doctor/manifest/lifecycle'],
    ['an image', web({ docker: { image: 'oms' } }), 'error doctor/manifest/lifecycle'],
    ['a number of instances in words', web({ instances: 'two' }), 'error doctor/manifest/refused'],
    ['a negative number of instances', web({ instances: -1 }), 'error doctor/manifest/refused'],
    ['half an instance', web({ processes: [{ type: 'web', instances: 1.5 }] }), 'error doctor/manifest/refused'],
    ['a health check that does not exist', web({ 'health-check-type': 'tcp' }), 'error doctor/manifest/refused'],
    ['a process twice', web({ processes: [{ type: 'a' }, { type: 'a' }] }), 'error doctor/manifest/refused'],
    ['both forms of its buildpacks', web({ buildpack: 'x' }), 'error doctor/manifest/refused'],
    [
      'a sidecar without a command',
      web({ sidecars: [{ name: 'proxy', process_types: ['web'] }] }),
      'error doctor/manifest/refused',
    ],
    [
      'a sidecar whose memory has no unit',
      web({ sidecars: [{ name: 'proxy', process_types: ['web'], command: 'x', memory: '64 MB of it' }] }),
      'error doctor/manifest/refused',
    ],
  ])('%s', async (_, folder, expected) => {
    const report = await examine(folder);
    expect(found(report)).toEqual([expected]);
    expect(exitCodeFor(report.findings)).toBe(expected.startsWith('error') ? 78 : 0);
  });
});
