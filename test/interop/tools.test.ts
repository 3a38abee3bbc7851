import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patterned } from './call-outcomes.ts';
import { endPeers, type RunningServer, startServer } from './peer-process.ts';
import { framed } from './peers/prefixed-messages.ts';
import { buildDir, toolFile } from './tools.ts';

const exec = promisify(execFile);
const grpc = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
const messageFile = path.join(buildDir, 'message.bin');
const messageBytes = 256;
const protoDir = path.join(import.meta.dirname, 'peers');

let server: RunningServer;
let url: string;

/** What a program wrote; that it fails is no error here. */
async function output(file: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await exec(file, args, { encoding: 'latin1', maxBuffer: 1 << 26 }).catch(
    (failed: { stdout: string; stderr: string }) => failed,
  );
  return `${stdout}${stderr}`;
}

beforeAll(async () => {
  writeFileSync(messageFile, framed(patterned(messageBytes)));
  server = await startServer('ours');
  url = `http://${server.address}/interop.Peer/Echo`;
});

afterAll(async () => {
  expect(server.peer.stderr).toBe('');
  await endPeers();
});

describe('curl', () => {
  const curl = (...args: readonly string[]): Promise<string> =>
    output('curl', ['-sS', '--max-time', '20', '-D', '-', ...args]);
  const post = ['--data-binary', `@${messageFile}`];

  it('gets its message back, with the status in the trailers', async () => {
    const answer = await curl('--http2-prior-knowledge', ...grpc, ...post, url);
    expect(answer).toMatch(/^HTTP\/2 200 \r\ncontent-type: application\/grpc/);
    expect(answer).toMatch(/\r\n\r\n[\s\S]*grpc-status: 0\r\n/);
    expect(answer).toContain(framed(patterned(messageBytes)).toString('latin1'));
  });

  it('gets 405 for GET', async () => {
    expect(await curl('--http2-prior-knowledge', url)).toMatch(/^HTTP\/2 405 \r\n/);
  });

  it.each(['--http1.1', '--http2'])('gets no answer of HTTP/1.1 with %s, and is not kept waiting', async (version) => {
    expect(await curl(version, url)).not.toMatch(/HTTP\/1\.\d 2|Operation timed out/);
  });

  it('leaves others alone when it goes away in the middle of a message', async () => {
    const cut = ['-H', `content-length: ${messageBytes + 5}`, '--data-binary', 'abc'];
    await curl('--http2-prior-knowledge', ...grpc, ...cut, url);
    expect(await curl('--http2-prior-knowledge', ...grpc, ...post, url)).toContain('grpc-status: 0');
  });
});

describe('h2load', () => {
  it.each([
    ['64 calls at once on one connection', ['-n', '5000', '-c', '1', '-m', '64']],
    ['50 connections', ['-n', '2000', '-c', '50', '-m', '4']],
    ['a window of one byte', ['-n', '50', '-c', '1', '-m', '10', '-w', '1']],
    ['no dynamic table', ['-n', '200', '-c', '1', '--header-table-size', '0', '--encoder-header-table-size', '0']],
  ])('has only successes with %s', async (_, args) => {
    const count = args[1];
    const report = await output('h2load', [...args, ...grpc, '-d', messageFile, url]);
    expect(report).toContain(`${count} succeeded, 0 failed, 0 errored, 0 timeout`);
    expect(report).toContain(`status codes: ${count} 2xx`);
  });
});

describe('nghttp', () => {
  const nghttp = (...args: readonly string[]): Promise<string> =>
    output('nghttp', ['-v', ...args, ...grpc, '-d', messageFile, url]);

  it.each([
    ['that sends PRIORITY frames', [], /send PRIORITY frame/],
    ['that pads its frames', ['-b', '200'], /\(padlen=/],
    ['that takes no dynamic table', ['--header-table-size=0', '--encoder-header-table-size=0'], /TABLE_SIZE.*:0\]/],
    ['that has a window of one byte', ['-w', '1'], /INITIAL_WINDOW_SIZE.*:1\]/],
    ['that lets one stream be open', ['--peer-max-concurrent-streams=1'], /./],
    ['that ends its request with trailers', ['--trailer', 'x-end: yes'], /send HEADERS frame[\s\S]*send HEADERS frame/],
  ])('%s gets its answer', async (_, args, sent) => {
    const log = await nghttp(...args);
    expect(log).toMatch(sent);
    expect(log).toMatch(/\) grpc-status: 0/);
    expect(log).not.toMatch(/recv (?:RST_STREAM|GOAWAY)/);
  });

  it('gets the status alone, in headers that end the stream, when there is no message', async () => {
    const log = await output('nghttp', ['-v', ...grpc, '-d', messageFile, `${url}/nothing`]);
    expect(log).toMatch(/\) grpc-status: 12/);
    expect(log).toMatch(/recv HEADERS frame <length=\d+, flags=0x05, stream_id=13>/);
    expect(log).not.toMatch(/recv DATA frame <length=\d+, flags=0x0\d, stream_id=13>/);
  });
});

describe('grpcurl', () => {
  const grpcurl = (...args: readonly string[]): Promise<string> => {
    const [method = '', ...more] = args;
    const proto = ['-import-path', protoDir, '-proto', 'peer.proto'];
    return output(toolFile('grpcurl'), ['-plaintext', ...proto, ...more, server.address, `interop.Peer/${method}`]);
  };

  it('gets its message back', async () => {
    expect(JSON.parse(await grpcurl('Echo', '-d', '{"body":"aGVsbG8="}'))).toEqual({ body: 'aGVsbG8=' });
  });

  it('gets the messages of a stream', async () => {
    const answers = await grpcurl('Chat', '-d', '{"body":"YQ=="}{"body":"Yg=="}');
    expect(answers.match(/"body": "\w+=="/g)).toEqual(['"body": "YQ=="', '"body": "Yg=="']);
  });

  it('is told that there is no such method', async () => {
    expect(await grpcurl('Nothing', '-d', '{}')).toContain('Code: Unimplemented');
  });

  it('gives up at its deadline', async () => {
    expect(await grpcurl('Gate', '-d', '{}', '-max-time', '1')).toContain('Code: DeadlineExceeded');
  });
});

describe('ghz', () => {
  it.each([
    ['unary calls', 'Echo', '[{"body":"aGVsbG8="}]'],
    ['streams', 'Chat', '[{"body":"YQ=="},{"body":"Yg=="}]'],
  ])('has only successes with 2,000 %s, 100 at once', async (_, method, data) => {
    const proto = ['--insecure', '--proto', path.join(protoDir, 'peer.proto'), '--call', `interop.Peer/${method}`];
    const load = ['-n', '2000', '-c', '100', '--connections', '2', '-d', data, '-O', 'json'];
    const report = JSON.parse(await output(toolFile('ghz'), [...proto, ...load, server.address]));
    expect(report).toMatchObject({ count: 2_000, statusCodeDistribution: { OK: 2_000 }, errorDistribution: {} });
  });
});
