import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ErrorList } from '../../src/base/user-facing-error.ts';
import { parseInvocation } from '../../src/compose/invocation/invocation.ts';
import { readServiceSettings } from '../../src/compose/invocation/service-settings.ts';
import { noBindings } from '../../src/contract/config/bus/service-binding.ts';
import type { Environment } from '../../src/contract/config/environment.ts';
import type { ConfigFile } from '../../src/contract/config/settings/config-file.ts';
import { settingsIn } from '../../src/contract/config/settings/setting.ts';
import { settings } from '../../src/contract/config/settings.ts';
import { loadSidecarConfig } from '../../src/contract/config/sidecar-config.ts';
import { patternProblem } from '../../src/contract/wire/topics/topic.ts';
import { examineComposeFile } from '../../src/doctor/compose/compose-file.ts';
import { readStagingInputs } from '../../src/supply/staging-inputs.ts';
import { examine, sound } from './examined-folder.ts';

/** What somebody writes for one of the settings: right for some, and wrong for the others. */
const texts: readonly string[] = [
  ...['x', '0', '1', '-1', '128', '128M', '1e3', '9999999', '95', '99999999999999999999', '1.5'],
  ...['true', 'TRUE', 'yes', 'on', '0x10', '010', '1_000', '٣', 'é', 'a b', ' x ', 'x'.repeat(300), 'x\ny'],
  ...['10s', ' 10s ', '0s', '5 s', '1.5s', '10S', '1h30m', '100000h', '8MiB', '0B', '8 MiB', '8MB', '50%', '101%'],
  ...['OMSPool', '-pool', '{index}', '{nobody}', 'a,b,,a', 'a;b', 'debug', 'json', 'embedded', 'given'],
  ...['[]', '[{}]', '{"a"=>1}', '[{"topic":"a.**.x","action":"publish"}]', '[{"topic":"a.b","action":"x"}]'],
  ...['host', 'host:1', 'host:0', 'host:65536', 'https://host', 'http://u:p@host:1', 'https://host/path'],
  ...['[::1]:9', '::1', ':9191', ':9192', ':8080', '127.0.0.1:9192', '0.0.0.0:9191', 'localhost:9191'],
  ...['$PORT', ':$PORT', `:\${PORT}`, '$HOME', '/etc/x', './x', '../x', '-', '/'],
  ...['8080:80', '0:80', '8080:0', '99999:80', '1:2:3', '999.1.1.1:80:80', '1.1.1.1:80:80', '0:0', '4294967296'],
];
/** With what YAML makes of a value without quotes. */
const values: readonly unknown[] = [
  ...texts,
  0,
  1,
  128,
  -1,
  1.5,
  true,
  false,
  [],
  ['a', 'b'],
  [1],
  [null],
  {},
  { a: 1 },
];

const own: Environment = { INSTANCE_ID: 'oms-1', POOL_TYPE: 'OMSPool' };

/** As the platform describes the container that supply and doctor can only suppose. */
const container = {
  PORT: '8080',
  VCAP_APPLICATION: JSON.stringify({
    space_name: 'SPACE',
    application_name: 'oms',
    process_type: 'web',
    instance_index: 0,
  }),
};

function ids(errors: readonly { readonly id: string }[]): string[] {
  return errors.map(({ id }) => id).sort();
}

function thrownBy(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ErrorList) return ids(error.errors);
    throw error;
  }
  return [];
}

interface Told {
  readonly environment: Environment;
  readonly configFile?: ConfigFile;
}

function ofSidecar(told: Told): string[] {
  return thrownBy(() => loadSidecarConfig({ ...told, checkPattern: patternProblem }));
}

function ofSupply({ environment, configFile }: Told): string[] {
  return ids(readStagingInputs({ environment, configFile, bindings: noBindings }).errors);
}

async function ofDoctor({ environment, configFile }: Told): Promise<string[]> {
  const applications = [{ ...sound, env: environment }];
  const { findings } = await examine({
    // In quotes: YAML 1.1, which Cloud Controller reads, makes a boolean of `yes`.
    manifest: stringify({ applications }, { defaultStringType: 'QUOTE_DOUBLE' }),
    ...(configFile && { configFile: configFile.text }),
  });
  return ids(findings.filter(({ severity }) => severity === 'error').map(({ fault }) => fault));
}

async function expectOneVerdict(what: string, told: Told): Promise<void> {
  // Which services are bound, and the type of the pool, may be told after the push.
  const mayFollow = ['config/bus-service/not-bound', 'config/pool-type/missing'];
  const verdict = ofSidecar({ ...told, environment: { ...told.environment, ...container } });
  const ofFolder = verdict.filter((id) => !mayFollow.includes(id));
  expect.soft({ what, doctor: await ofDoctor(told) }).toEqual({ what, doctor: ofFolder });
  // Supply knows no topics.
  const ofStaging = verdict.filter(
    (id) => id !== 'config/pool-type/missing' && id !== 'config/requested-grants/bad-grant',
  );
  const supply = ofSupply(told).filter((id) => id !== 'config/requested-grants/bad-grant');
  expect.soft({ what, supply }).toEqual({ what, supply: ofStaging });
}

const ofRun = settingsIn(settings).filter(({ readBy }) => readBy === undefined || readBy.includes('run'));
const variables = ofRun.flatMap(({ variable }) => variable ?? []).filter((name) => name !== 'SIDECAR_CONFIG');

test.each(variables)('sidecar, supply and doctor judge %s alike', async (variable) => {
  for (const text of texts) {
    await expectOneVerdict(`${variable}=${text}`, { environment: { ...own, [variable]: text } });
  }
});

test.each(ofRun.flatMap(({ key }) => key ?? []))('sidecar, supply and doctor judge the key %s alike', async (key) => {
  const { variable } = ofRun.find((each) => each.key === key) ?? {};
  const { [variable ?? '']: _, ...others } = own;
  for (const value of values) {
    const text = stringify(key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), value));
    const environment = { ...others, SIDECAR_CONFIG: 'sidecar.yml' };
    const configFile = { path: 'sidecar.yml', text };
    await expectOneVerdict(`${key}: ${JSON.stringify(value)}`, { environment, configFile });
  }
});

const options = settingsIn(settings).flatMap(({ option, variable }) => (option ? [{ ...option, variable }] : []));

test.each(options)('up and doctor judge the option $name alike, and so does the sidecar', ({ name, variable }) => {
  const project = 'shop';
  const sources = { checkPattern: patternProblem, readFile: () => '' };
  for (const text of texts) {
    const given = { 'pool-type': 'OMSPool', [name]: text };
    const flags = Object.entries(given).map(([option, value]) => `--${option}=${value}`);
    const invocation = parseInvocation([`--project-name=${project}`, 'up', ...flags, 'sidecar']);
    const up = thrownBy(() => readServiceSettings(invocation, sources));
    const provider = { type: 'meridian-sidecar', options: { ...given, [name]: text.replaceAll('$', '$$$$') } };
    const file = { name: project, services: { sidecar: { provider } } };
    const reports = examineComposeFile({ ...sources, name: 'compose.yaml', text: stringify(file), variables: {} });
    const found = reports.flatMap(({ findings }) => findings.map(({ fault }) => fault));
    const doctor = ids(found.filter(({ id }) => !id.startsWith('doctor/')));
    expect.soft({ text, doctor }).toEqual({ text, doctor: up });
    if (variable === undefined || up.some((id) => id.startsWith('compose/'))) continue;
    // The health address is the provider's.
    const environment = { ...own, [variable]: text, SIDECAR_HEALTH_ADDR: ':9192' };
    expect.soft({ text, up }).toEqual({ text, up: ofSidecar({ environment }) });
  }
});
