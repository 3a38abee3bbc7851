import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endAll, Program, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

/** The sidecar in a network of its own, whose name server takes every question and answers none until the sidecar has ended. */
const besideSilentResolver = `
ip link set lo up
mount --bind "$RESOLV_CONF" /etc/resolv.conf
exec 3> >(exec "$NODE" -e '
  process.stdin.resume().on("end", () => process.exit());
  require("node:dgram").createSocket("udp4", () => console.log("asked")).bind(53, "127.0.0.1");')
exec "$NODE" "$SIDECAR"
`;

/** By these the C library asks for 150 s, longer than the test may last. */
const patience = 'options timeout:30 attempts:5\n';
const limits = { timeout: 120_000 };

test(
  'a sidecar whose bus has a name that nobody resolves ends without waiting for as long as the C library asks',
  limits,
  async () => {
    const sidecar = new Program(
      ['--mount', '--net', 'bash', '-euc', besideSilentResolver],
      {
        PATH: process.env['PATH'] ?? '',
        NODE: process.execPath,
        SIDECAR: path.resolve(import.meta.dirname, '../../dist/sidecar.mjs'),
        RESOLV_CONF: writeTemporary('resolv.conf', `nameserver 127.0.0.1\n${patience}`),
        INSTANCE_ID: 'oms-1',
        POOL_TYPE: 'OMSPool',
        SIDECAR_BUS_API_URL: 'bus.nowhere.example:8443',
        SIDECAR_ADDR: '127.0.0.1:0',
        SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
      },
      'unshare',
    );
    await sidecar.seen(/^asked$/m);
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited, sidecar.output).toBe(0);
  },
);
