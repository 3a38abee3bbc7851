import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { RequestHead } from '../../../src/transport/grpc/server/request-head.ts';
import { Http2Connection } from '../../../src/transport/http2/connection.ts';
import { StreamError } from '../../../src/transport/http2/frames/error-code.ts';
import type { HeaderList } from '../../../src/transport/http2/hpack/header-decoder.ts';
import type { Http2Stream } from '../../../src/transport/http2/stream.ts';
import { eachLine, peerOptions, tell } from './lines.ts';

const { tls, streams = 100 } = peerOptions();
const content = Buffer.from('what any request is answered with');

/** Our HTTP/2 without gRPC, which would answer most requests of h2spec before they end. */
function serve(socket: Socket): void {
  new Http2Connection(socket, {
    role: 'server',
    nowMs: () => performance.now(),
    concurrentStreams: streams,
    onRequest,
    onClosed: () => socket.destroySoon(),
  });
}

function onRequest(stream: Http2Stream, list: HeaderList, isEnd: boolean): void {
  const { malformed, contentLength } = RequestHead.of(list);
  if (malformed !== undefined) throw new StreamError(stream.id, 'PROTOCOL_ERROR', malformed);
  if (contentLength !== undefined) stream.announce(contentLength);
  const answer = (): void => {
    stream.sendHeaders([{ name: ':status', value: '200', indexing: 'table' }]);
    stream.send(new Uint8Array(0), content, true);
  };
  stream.listen({
    onHeaders: answer,
    onData: (_, isLast) => isLast && answer(),
    onSent() {},
    onFailure() {},
    onClosed() {},
  });
  if (isEnd) answer();
}

const server = tls?.key
  ? createTlsServer({ key: tls.key, cert: tls.certificate, ALPNProtocols: ['h2'] }, serve)
  : createServer(serve);
server.listen(0, '127.0.0.1', () => {
  tell({ event: 'listening', address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
});
eachLine(() => {});
