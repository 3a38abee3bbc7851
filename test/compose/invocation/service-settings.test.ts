import { describe, expect, test } from 'vitest';
import { ErrorList } from '../../../src/base/user-facing-error.ts';
import { ownerSpec, sidecarSpec } from '../../../src/compose/engine/container-spec.ts';
import { parseInvocation } from '../../../src/compose/invocation/invocation.ts';
import { readServiceSettings, type ServiceSettings } from '../../../src/compose/invocation/service-settings.ts';
import { patternProblem } from '../../../src/contract/wire/topics/topic.ts';

const files: Record<string, string> = {
  '/etc/sidecar.yml': 'pool_type: DGMPool\ninstance_id: dgm-1\n',
  '/etc/wrong.yml': 'pool_tpye: DGMPool\n',
  '/etc/ca.pem': 'CA',
  '/etc/policy.yml': 'deployment: shop\n',
};

function read(...options: readonly string[]): ServiceSettings {
  return readServiceSettings(parseInvocation(['--project-name=shop', 'up', ...options, 'sidecar']), {
    checkPattern: patternProblem,
    readFile(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
      return text;
    },
  });
}

function faultsOf(...options: readonly string[]): string[] {
  try {
    read(...options);
  } catch (error) {
    if (error instanceof ErrorList) return error.errors.map(({ id }) => id);
    throw error;
  }
  return [];
}

describe('the settings of a service', () => {
  test('become the variables of the contract', () => {
    const grants = '[{"topic":"platform.data.*","action":"publish"}]';
    const options = ['--pool-type=OMSPool', '--tags=eod,yahoo', `--requested-grants=${grants}`, '--log-level=debug'];
    expect(read(...options, '--bus-api-url=https://bus.example', '--bus-ca=/etc/ca.pem').environment).toEqual({
      INSTANCE_ID: 'shop-sidecar',
      POOL_TYPE: 'OMSPool',
      TAGS: 'eod,yahoo',
      REQUESTED_GRANTS: grants,
      SIDECAR_LOG_LEVEL: 'debug',
      SIDECAR_BUS_API_URL: 'https://bus.example',
      SIDECAR_BUS_CA: '/etc/meridian/bus/ca.pem',
      SIDECAR_HEALTH_ADDR: ':9192',
    });
  });

  test('leave to the configuration file what it sets', () => {
    const { environment, mounts } = read('--config=/etc/sidecar.yml');
    expect(environment).toEqual({ SIDECAR_CONFIG: '/etc/meridian/sidecar.yml', SIDECAR_HEALTH_ADDR: ':9192' });
    expect(mounts).toMatchObject([{ source: '/etc/sidecar.yml', target: '/etc/meridian/sidecar.yml' }]);
  });

  test('count an empty option as absent', () => {
    expect(read('--pool-type=OMSPool', '--tags=', '--image=', '--memory=')).toMatchObject({ memoryMb: 128 });
  });

  test.each([
    [[], ['config/pool-type/missing']],
    [['--pool-type=OMSPool', '--memory=64'], ['config/memory/not-megabytes']],
    [['--pool-type=OMSPool', '--addr=0.0.0.0:9191'], ['config/addr/not-loopback']],
    [['--pool-type=OMSPool', '--bus=embedded', '--bus-api-url=b:1'], ['compose/bus/options']],
    [['--pool-type=OMSPool', '--bus=embedded', '--bus-proxy=http://p:1'], ['compose/bus/options']],
    [['--pool-type=OMSPool', '--bus-proxy=http://me:pw@p:1'], ['compose/bus/proxy-password']],
    [['--pool-type=OMSPool', '--bus-proxy=p:1'], ['config/bus-proxy/malformed']],
    [['--pool-type=OMSPool', '--policy=/etc/policy.yml'], ['compose/bus/options']],
    [['--pool-type=OMSPool', '--config=/proc/nowhere'], ['compose/file/unreadable']],
    [['--pool-type=OMSPool', '--config=side.yml'], ['compose/file/relative']],
    [['--pool-type=OMSPool', '--user=root'], ['config/user/malformed']],
    [['--pool-type=OMSPool', '--user=2147483648'], ['config/user/malformed']],
    [['--pool-type=OMSPool', '--publish=65536:80'], ['config/publish/malformed']],
    [['--pool-type=OMSPool', '--publish=8080:0'], ['config/publish/malformed']],
    [['--pool-type=OMSPool', '--publish=300.0.0.1:80:80'], ['config/publish/malformed']],
    [['--pool-type=OMSPool', '--env=perhaps'], ['config/env/not-a-flag']],
    [['--pool-type=OMSPool', '--bus=mine'], ['config/bus/unknown-value']],
    [['--config=/etc/wrong.yml'], ['config/file/unknown-key', 'config/pool-type/missing']],
  ])('%j are refused with %j', (options, ids) => {
    expect(faultsOf(...options)).toEqual(ids);
  });
});

describe('the containers', () => {
  const image = { name: 'meridian-sidecar:1', id: 'sha256:1' };
  const place = { ownerId: 'owner', isOneOff: false };
  const hashes = (...options: readonly string[]): [owner: string, sidecar: string] => {
    const settings = read('--pool-type=OMSPool', ...options);
    return [ownerSpec(settings, ['net'], image.name).hash, sidecarSpec(settings, place, image).hash];
  };

  test.each<[string, readonly string[], owner: boolean, sidecar: boolean]>([
    ['nothing', [], false, false],
    ['the time that up waits', ['--timeout=2m'], false, false],
    ['whether dependents get variables', ['--env=false'], false, false],
    ['a variable', ['--tags=eod'], false, true],
    ['memory', ['--memory=256'], false, true],
    ['a port', ['--publish=80:80'], true, false],
    ['a name', ['--alias=quotes'], true, false],
  ])('are others after a change of %s: the owner, or the sidecar, or neither', (_what, options, owner, sidecar) => {
    const before = hashes();
    const after = hashes(...options);
    expect(after.map((hash, at) => hash !== before[at])).toEqual([owner, sidecar]);
  });

  test('get every value in a variable or a mount, and never a secret itself', () => {
    const { flags } = sidecarSpec(
      read('--pool-type=OMSPool', '--bus-token-file=/etc/ca.pem', '--user=7'),
      place,
      image,
    );
    expect(flags).toEqual(expect.arrayContaining(['--user', '7', '--memory', '128m', '--network', 'container:owner']));
    expect(flags).toContain('type=bind,source=/etc/ca.pem,target=/etc/meridian/bus/token,readonly');
    expect(flags.join(' ')).toContain('SIDECAR_BUS_TOKEN_FILE=/etc/meridian/bus/token');
    expect(flags.join(' ')).not.toContain('CA ');
  });
});
