import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { create } from '../../src/contract/wire/codec/message.ts';
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../src/contract/wire/gen/grpc/health/v1/health_pb.ts';
import { LeaveRequestSchema, RegisterRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { healthMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection } from '../../src/transport/rpc.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, Program, runCli, startBus, startSidecar } from './processes.ts';

afterEach(endAll);

describe('meridian-sidecar status', () => {
  test('shows what a running sidecar does, for a person and as JSON', async () => {
    const bus = await startBus();
    const { address, healthUrl } = await startSidecar(bus.address);
    const plugin = await connectPlugin(address);
    await plugin.publish('platform.oms.orders', Buffer.from('1'));
    const healthAddress = new URL(healthUrl).host;

    const shown = runCli('status', '--address', healthAddress);
    expect(await shown.exited).toBe(0);
    expect(shown.stdout).toMatch(/^state +RUNNING$/m);
    expect(shown.stdout).toMatch(/^instance +oms-1 of OMSPool, deployment test-deployment$/m);
    expect(shown.stdout).toMatch(/^messages +1 accepted, 0 delivered, 0 redelivered, 0 lost$/m);
    expect(shown.stdout).toMatch(/^plugin +registered, takes callbacks$/m);

    const asJson = runCli('status', '--address', healthAddress, '--json');
    expect(await asJson.exited).toBe(0);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      state: 'RUNNING',
      instanceId: 'oms-1',
      bus: { address: bus.address, isUp: true },
      publishesWaiting: 0,
    });
  });

  test('shows what was asked for and is withheld, with the reason', async () => {
    const bus = await startBus();
    const requested = [
      { topic: 'platform.oms.fills', action: 'publish' },
      { topic: 'platform.risk.*', action: 'publish' },
    ];
    const { healthUrl } = await startSidecar(bus.address, { REQUESTED_GRANTS: JSON.stringify(requested) });
    const shown = runCli('status', '--address', new URL(healthUrl).host);
    expect(await shown.exited).toBe(0);
    expect(shown.stdout).toMatch(/^withheld +publish platform\.risk\.\* \(no policy rule allows it\)$/m);
  });

  test('says that a second plugin is connected, and so does the log', async () => {
    const bus = await startBus();
    const sidecar = await startSidecar(bus.address);
    const address = new URL(sidecar.healthUrl).host;
    const pluginLine = async (): Promise<string> => {
      const shown = runCli('status', '--address', address);
      await shown.exited;
      return /^plugin +(.*)$/m.exec(shown.stdout)?.[1] ?? '';
    };
    const warning = 'registered, takes callbacks; WARNING: a second plugin has registered, and speaks as this one';
    await connectPlugin(sidecar.address);
    expect(await pluginLine()).toBe('registered, takes callbacks');
    await connectPlugin(sidecar.address);
    await sidecar.program.seen(/a second plugin registered while the first is connected/);
    expect(await pluginLine()).toBe(warning);
  });

  test('says that a second plugin is connected which speaks v1 and has no stream, unless the first has left', async () => {
    const bus = await startBus();
    const sidecar = await startSidecar(bus.address);
    const register = async (): Promise<Connection> => {
      const plugin = await grpcNetwork.connect(sidecar.address, { maxMessageBytes: 65_536, timeoutMs: 10_000 });
      await plugin.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
      return plugin;
    };
    const first = await register();
    await first.unary(sidecarMethods.leave, create(LeaveRequestSchema, { reason: 'done' }));
    const second = await register();
    await second.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
    expect(sidecar.program.output).not.toContain('second plugin');
    const third = await register();
    await sidecar.program.seen(/a second plugin registered while the first is connected/);
    for (const plugin of [first, second, third]) plugin.close();
  });

  test('says nothing of a second plugin when the plugin starts again', async () => {
    const bus = await startBus();
    const sidecar = await startSidecar(bus.address);
    const environment = { SIDECAR_ADDR: sidecar.address, START: '' };
    for (const start of ['1', '2', '3']) {
      const plugin = new Program([path.resolve('fixtures/node-plugin/plugin.js')], { ...environment, START: start });
      await sidecar.program.seen(new RegExp(`(?:plugin registered[^]*){${start}}`));
      plugin.signal('SIGKILL');
      await plugin.exited;
    }
    expect(sidecar.program.output).not.toContain('second plugin');
  });

  test('says that no sidecar answers, and exits 69', async () => {
    const shown = runCli('status', '--address', '127.0.0.1:1');
    expect(await shown.exited).toBe(69);
    expect(shown.stderr).toContain('no sidecar answers at 127.0.0.1:1');
    expect(shown.stderr).not.toContain('    at ');
  });
});

describe("gRPC's own health checks on the plugin's port", () => {
  const request = (service: string) => create(HealthCheckRequestSchema, { service });

  test.each(['', 'meridian.v1.SidecarService', 'meridian.sidecar.v1.PluginService'])(
    'say that "%s" is serving, and NOT_SERVING when the sidecar stops',
    async (service) => {
      const bus = await startBus();
      const { address, program } = await startSidecar(bus.address);
      const plugin = await connectPlugin(address);
      const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 1_024 });
      const checked = await connection.unary(healthMethods.check, request(service));
      expect(checked.status).toBe(ServingStatus.SERVING);

      const watch = connection.stream(healthMethods.watch);
      watch.write(request(service));
      const statuses = watch[Symbol.asyncIterator]();
      expect((await statuses.next()).value).toMatchObject({ status: ServingStatus.SERVING });
      const drained = Promise.withResolvers<void>();
      plugin.onStop(() => drained.promise);
      program.signal('SIGTERM');
      expect((await statuses.next()).value).toMatchObject({ status: ServingStatus.NOT_SERVING });
      drained.resolve();
      watch.cancel();
      connection.close();
      expect(await program.exited).toBe(0);
    },
  );

  test('know no other service', async () => {
    const bus = await startBus();
    const { address } = await startSidecar(bus.address);
    const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 1_024 });
    await expect(connection.unary(healthMethods.check, request('other'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const watch = connection.stream(healthMethods.watch);
    watch.write(request('other'));
    const first = await watch[Symbol.asyncIterator]().next();
    expect(first.value).toMatchObject({ status: ServingStatus.SERVICE_UNKNOWN });
    connection.close();
  });
});
