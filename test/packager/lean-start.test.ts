import { afterEach, describe, expect, test } from 'vitest';
import { endAll, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { authority, CertificateFiles, certificateEnvironment, startSecuredBus } from '../sidecar/secured-bus.ts';

/** The library for YAML requires it, and nothing else does. */
const loadedByYaml = 'process';

/**
 * Node's own modules that a plain sidecar has no use for, as `process.moduleLoadList` names them. Listening loads `cluster`, and that
 * `child_process`, whoever listens.
 */
const unused = [
  'internal/deps/undici/undici',
  'http',
  'https',
  'http2',
  'tls',
  'crypto',
  'zlib',
  'worker_threads',
  'sqlite',
  'readline',
  loadedByYaml,
];

afterEach(endAll);

/** The modules of Node that a sidecar has loaded when it ends after a whole life. */
async function loadedBy(bus: string, environment: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const list = "'loaded ' + process.moduleLoadList + '\\n'";
  const listing = `process.on('exit', () => require('node:fs').writeSync(2, ${list}));`;
  const { program } = await startSidecar(bus, {
    ...environment,
    NODE_OPTIONS: `--require=${writeTemporary('listing.cjs', listing)}`,
  });
  program.signal('SIGTERM');
  await program.exited;
  const [, loaded = ''] = await program.seen(/^loaded (.*)$/m);
  return loaded.split(',').flatMap((entry) => /^NativeModule (.*)$/.exec(entry)?.[1] ?? []);
}

describe('a sidecar', () => {
  test('without TLS, proxy and file loads nothing of Node that it has no use for', async () => {
    const bus = await startBus();
    const loaded = await loadedBy(bus.address);
    expect(loaded).toContain('net');
    expect(loaded.filter((name) => unused.includes(name))).toEqual([]);
  });

  test('loads the library for YAML when it has a file to read', async () => {
    const bus = await startBus();
    const file = writeTemporary('sidecar.yml', 'metrics: {topics: 5}\n');
    expect(await loadedBy(bus.address, { SIDECAR_CONFIG: file })).toContain(loadedByYaml);
  });

  test('loads TLS when the bus is reached by it, and still no HTTP of Node', async () => {
    const bus = await startSecuredBus();
    const certificate = authority.issue('plugin-a');
    const loaded = await loadedBy(bus.address, certificateEnvironment(new CertificateFiles(certificate)));
    expect(loaded).toContain('tls');
    expect(loaded.filter((name) => /^http|undici/.test(name))).toEqual([]);
  });
});
