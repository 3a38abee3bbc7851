import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endAll } from '../sidecar/processes.ts';
import { runPython, startDemoBus, startDemoSidecar } from './containers.ts';
import { pluginDir } from './stubs.ts';

const suiteFile = path.join(import.meta.dirname, 'interop_test.py');

afterEach(endAll);

test.each(['BeforeRegister', 'Statuses', 'Sizes', 'Streams', 'Ends'])(
  "gRPC's C core finds nothing amiss: %s",
  async (suite) => {
    const bus = await startDemoBus();
    const sidecar = await startDemoSidecar(bus.address);
    const [, pid = ''] = await sidecar.program.seen(/ pid=(\d+)/);
    const environment = { PYTHONPATH: pluginDir, SIDECAR_ADDR: sidecar.address, SIDECAR_PID: pid };
    const run = runPython([suiteFile, suite], environment);
    expect(await run.exited, `${run.output}\n${sidecar.program.output}`).toBe(0);
  },
);
