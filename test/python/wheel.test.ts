import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packWheel } from '../../src/packager/client/wheel.ts';
import type { MadePackage } from '../../src/packager/made-package.ts';
import { endAll, Program, startBus, startSidecar } from '../sidecar/processes.ts';
import { packageDir } from './stubs.ts';
import { makeEnvironment } from './virtual-environment.ts';

const root = path.resolve(import.meta.dirname, '../..');
const version = readFileSync(path.join(root, 'VERSION'), 'utf8').trim();

let folder: string;
let made: MadePackage;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'meridian-wheel-'));
  made = await packWheel({ root, version, outDir: path.join(folder, 'packed') });
  copyFileSync(path.join(import.meta.dirname, 'every_call.py'), path.join(folder, 'every_call.py'));
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** A virtual environment with the wheel and other requirements; returns its interpreter. */
function environmentWith(name: string, ...requirements: readonly string[]): string {
  return makeEnvironment(path.join(folder, name), '--only-binary', ':all:', made.path, ...requirements);
}

describe('the wheel', () => {
  test('is the same, byte for byte, when it is made again', async () => {
    const again = await packWheel({ root, version, outDir: path.join(folder, 'again') });
    expect(readFileSync(again.path).equals(readFileSync(made.path))).toBe(true);
    expect(path.basename(made.path)).toBe(`meridian_plugin-${version}-py3-none-any.whl`);
  });

  test('has a RECORD that names each of its files with its hash, and the license', () => {
    const check = `
import base64, csv, hashlib, io, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
record = next(name for name in wheel.namelist() if name.endswith("RECORD"))
rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(wheel.read(record).decode()))}
assert sorted(rows) == sorted(wheel.namelist()), set(rows) ^ set(wheel.namelist())
for name in wheel.namelist():
    digest = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(name)).digest()).rstrip(b"=")
    own = ["sha256=" + digest.decode(), str(len(wheel.read(name)))]
    assert rows[name] == (["", ""] if name == record else own), name
print(*wheel.namelist())
`;
    const names = execFileSync('python3', ['-c', check, made.path], { encoding: 'utf8' });
    for (const name of ['py.typed', '_wire/sidecar_pb2.pyi', 'licenses/LICENSE']) expect(names).toContain(name);
    expect(names).not.toMatch(/\.pyc|__pycache__/);
  });
});

const everyCall = [
  'identity: oms-1 test-deployment OMSPool ()',
  "identity: ('platform.oms.**', 'platform.ask.*') ('platform.oms.**', 'platform.data.*')",
  'publish: accepted, duplicate: False, id: True',
  'publish: accepted, duplicate: True, id: True',
  'publish: refused: no publish grant for platform.data.eod; the nearest is platform.oms.**',
  'message: orders True False',
  String.raw`message: 1 platform.oms.orders b'\x01\x02\x03' application/octet-stream`,
  'message: True oms-1 conversation-1',
  'message: cause-1 account-7 1.2.3',
  'message: 1700000000000000000',
  'message: True vendor=1',
  'message: True',
  String.raw`state: b'\x01\x02\x03'`,
  "request: b'*' b",
  'error: INVALID_ARGUMENT',
  'stopping: all was called',
];

test.each([
  ['newest tested', ['grpcio==1.85.1', 'protobuf==7.36.2']],
  ['oldest that its requirements allow', ['grpcio==1.62.0', 'protobuf==4.25.0']],
])('installed by pip, it does every call against a real sidecar and bus, with the %s packages', async (_, pins) => {
  const python = environmentWith(`run-${pins.join('-')}`, ...pins);
  const bus = await startBus();
  const { address } = await startSidecar(bus.address);
  const plugin = new Program([path.join(folder, 'every_call.py'), address], { PYTHONWARNINGS: 'error' }, python);
  expect(await plugin.exited, plugin.output).toBe(0);
  expect(plugin.stdout.trim().split('\n')).toEqual(everyCall);
});

describe('for mypy --strict', () => {
  /** What mypy finds wrong in a file of an app that has the wheel installed. */
  function problemsOf(file: string): string[] {
    const args = ['-m', 'mypy', '--strict', '--no-error-summary', '--cache-dir', path.join(folder, 'cache')];
    const { stdout, stderr } = spawnSync(python, [...args, file], { cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.split('\n').filter((line) => line.includes('error:'));
  }
  let python: string;
  beforeAll(() => {
    python = environmentWith(
      'types',
      'mypy==1.20.0',
      'pytest==9.0.2',
      'types-grpcio==1.85.0.20261028',
      'types-protobuf==7.35.1.20260906',
    );
  });

  test('a plugin that uses every call and option is correct', () => {
    expect(problemsOf('every_call.py')).toEqual([]);
  });

  test('the package is correct', () => {
    expect(problemsOf(packageDir)).toEqual([]);
  });

  test('a wrong option, value or handler in a call is refused', () => {
    const code = `from meridian_plugin import Plugin, connect

async def main() -> None:
    plugin: Plugin = await connect(adress="a:1")
    await plugin.publish("a.b", b"1", dedupkey="a")
    await plugin.subscribe("a.b", print, durable="a")
    await plugin.publish("a.b", "text")
    plugin.on_stop(lambda: None)
    await plugin.request("a.b", b"1", timeout="5")
`;
    writeFileSync(path.join(folder, 'wrong.py'), code);
    const lines = problemsOf('wrong.py').map((line) => Number(/^wrong\.py:(\d+):/.exec(line)?.[1]));
    expect([...new Set(lines)]).toEqual([4, 5, 6, 7, 8, 9]);
  });
});
