import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endAll, startBus, startSidecar } from '../sidecar/processes.ts';
import { toolFile } from './tools.ts';

let address: string;

beforeAll(async () => {
  const bus = await startBus();
  ({ address } = await startSidecar(bus.address));
});

afterAll(endAll);

async function grpcurl(options: readonly string[], ...verb: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(toolFile('grpcurl'), ['-plaintext', ...options, address, ...verb]);
  return stdout;
}

describe('grpcurl, without a proto file', () => {
  it('lists the services of a sidecar, and the methods of one', async () => {
    expect((await grpcurl([], 'list')).trim().split('\n')).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'meridian.sidecar.v1.PluginService',
      'meridian.v1.SidecarService',
    ]);
    expect(await grpcurl([], 'list', 'meridian.v1.SidecarService')).toContain('meridian.v1.SidecarService.Publish');
  });

  it.each([
    ['a service', 'meridian.sidecar.v1.PluginService', 'rpc Consume ( stream .meridian.sidecar.v1.ConsumeRequest )'],
    ['a message with imports', 'meridian.sidecar.v1.ConsumedMessage', '.meridian.v1.Envelope envelope = 2;'],
    ['an enum', 'meridian.sidecar.v1.PublishOutcome', 'PUBLISH_OUTCOME_ACCEPTED = 1;'],
    ['a method', 'meridian.v1.SidecarService.Publish', 'rpc Publish ( .meridian.v1.PublishRequest )'],
  ])('describes %s', async (_what, symbol, text) => {
    expect(await grpcurl([], 'describe', symbol)).toContain(text);
  });

  it('registers', async () => {
    const register = await grpcurl(['-d', '{"schema_version":"1.0.0"}'], 'meridian.v1.SidecarService/Register');
    expect(JSON.parse(register)).toMatchObject({ admitted: true });
  });

  it('is told of what is not there', async () => {
    await expect(grpcurl([], 'describe', 'meridian.v1.Nothing')).rejects.toMatchObject({
      stderr: expect.stringContaining('Symbol not found: meridian.v1.Nothing'),
    });
  });
});
