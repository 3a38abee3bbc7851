import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildpackName } from '../../src/buildpack/layout.ts';
import { findBusService, noBindings } from '../../src/contract/config/bus/service-binding.ts';
import { settings, variableSettings } from '../../src/contract/config/settings.ts';
import { parseAppManifest } from '../../src/local/app-manifest.ts';
import { launchYml } from '../../src/supply/launch-yml.ts';
import { holdSeconds } from '../../src/supply/profile-script.ts';
import { readStagingInputs, type StagingInputs } from '../../src/supply/staging-inputs.ts';
import { readPage } from './examples.ts';

interface Application {
  readonly name: string;
  readonly memory?: string;
  readonly buildpacks?: readonly string[];
  readonly processes?: readonly { readonly type: string; readonly memory: string }[];
  readonly sidecars?: readonly object[];
  readonly env: Readonly<Record<string, string>>;
}

const page = readPage('cloud-foundry.md');
const manifests = [...page.matchAll(/^```yaml (\S+)\n(.*?)^```/gms)].map(([, name = '', text = '']) => ({
  name,
  text,
  app: (parse(text) as { applications: [Application] }).applications[0],
}));

function inputsOf({ name, env }: Application): StagingInputs {
  const environment = { ...env, VCAP_APPLICATION: JSON.stringify({ application_name: name, space_name: 'dev' }) };
  return readStagingInputs({ environment, configFile: undefined, bindings: noBindings });
}

describe.each(manifests)('manifest %# of docs/cloud-foundry.md', ({ text, app }) => {
  test('is a manifest that staging accepts without a warning', () => {
    expect(parseAppManifest(text, 'x').name).toBe(app.name);
    expect(inputsOf(app)).toMatchObject({ errors: [], warnings: [] });
  });

  test('sets variables that exist, to texts', () => {
    expect([...variableSettings.keys()]).toEqual(expect.arrayContaining(Object.keys(app.env)));
    expect(Object.values(app.env).every((value) => typeof value === 'string')).toBe(true);
  });

  test('names this buildpack before the final one, or has no staging', () => {
    if (app.buildpacks) expect(app.buildpacks).toEqual([buildpackName, expect.stringMatching(/_buildpack$/)]);
    else expect(app.sidecars).toBeDefined();
  });

  test('gives each process more memory than its sidecar takes', () => {
    const { memoryMb, sidecarFor } = inputsOf(app);
    for (const type of sidecarFor.value) {
      const memory = app.processes?.find((each) => each.type === type)?.memory ?? app.memory;
      expect(parseAppManifest(`applications: [{memory: ${memory}}]`, 'x').memoryMb).toBeGreaterThan(memoryMb.value);
    }
  });
});

test('the page shows several manifests', () => {
  expect(manifests.length).toBeGreaterThan(3);
});

test('the sidecar of a pushed droplet is the one that staging declares', () => {
  const declared = parse(launchYml({ depsIdx: '0', memoryMb: 128, sidecarFor: ['web'] })) as {
    processes: [{ type: string; command: string }];
  };
  const { type, command } = declared.processes[0];
  expect(manifests.find(({ app }) => app.sidecars)?.app.sidecars).toEqual([
    { name: type, process_types: ['web'], memory: '128M', command },
  ]);
});

test('the service that the page creates leads to the bus', () => {
  const [, name = '', tag = '', credentials = ''] =
    /cf create-user-provided-service (\S+) -t (\S+) -p '(.*)'/.exec(page) ?? [];
  const service = { name, tags: [tag], credentials: JSON.parse(credentials) as unknown };
  const documents = [{ source: 'VCAP_SERVICES', text: JSON.stringify({ 'user-provided': [service] }) }];
  const faults: never[] = [];
  expect(findBusService({ ...noBindings, documents }, undefined, faults)?.url).toBe('https://bus.example:8443');
  expect(faults).toEqual([]);
  expect(page).toContain(`cf bind-service quotes ${name}`);
});

test('the numbers of the page are those of the programs', () => {
  expect(page).toContain(`for ${holdSeconds} s at most`);
  expect(page).toContain(`wait --timeout ${holdSeconds}s`);
  expect(page).toContain(`the default of ${settings.staging.memoryMb.default}`);
});
