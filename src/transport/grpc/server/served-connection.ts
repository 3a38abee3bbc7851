import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Http2Connection } from '../../http2/connection.ts';
import { StreamError } from '../../http2/frames/error-code.ts';
import type { HeaderList } from '../../http2/hpack/header-decoder.ts';
import type { Http2Stream } from '../../http2/stream.ts';
import type { ListenOptions, Peer, Route } from '../../rpc.ts';
import { type Fault, RpcError } from '../../status.ts';
import { SecuredPeer } from '../../tls/secured-peer.ts';
import type { Deadlines } from '../deadlines.ts';
import { encodingProblem } from '../decompress.ts';
import { keepalive, nowMs, wallTimeMs } from '../machine-clock.ts';
import type { ReceiveBudget, ReceiveShare } from '../receive-budget.ts';
import type { CallHome } from './call-facts.ts';
import type { Admission, Connections } from './connections.ts';
import { RequestHead } from './request-head.ts';
import { answerHttp, refuse } from './response-fields.ts';
import { ServerStream } from './server-stream.ts';
import { UnaryCall } from './unary-call.ts';

/** What the connections of one listener share. */
export interface ServerParts
  extends Pick<ListenOptions, 'authorize' | 'connectionLimits' | 'onRefused' | 'maxMessageBytes'> {
  readonly routes: ReadonlyMap<string, Route>;
  readonly connections: Connections;
  readonly budget: ReceiveBudget;
  readonly deadlines: Deadlines;
  /** All connections. */
  readonly served: Set<ServedConnection>;
  /** Calls on all connections. */
  openCalls: number;
}

/** A caller without a credential has no name to count connections by. */
const nobody = '';

/** One client's connection: it judges each call by its headers and hands it to its route. */
export class ServedConnection {
  readonly #server: ServerParts;
  readonly #admission: Admission;
  readonly #http2: Http2Connection;
  readonly #share: ReceiveShare;
  readonly #secured: SecuredPeer | undefined;
  readonly #peer: Peer;
  #isFaultTold = false;

  constructor(socket: Socket | TLSSocket, admission: Admission, server: ServerParts, onClosed: () => void) {
    this.#server = server;
    this.#admission = admission;
    this.#share = server.budget.open((reason) => server.onRefused?.({ address: admission.address, reason }));
    this.#secured = 'getPeerCertificate' in socket ? new SecuredPeer(socket) : undefined;
    this.#peer = { address: admission.address, principal: this.#secured?.principal };
    this.#certificateFault();
    this.#http2 = new Http2Connection(socket, {
      role: 'server',
      nowMs,
      concurrentStreams: server.connectionLimits?.callsPerConnection,
      onRequest: (...request) => this.#onRequest(...request),
      onClosed: (_, error) => {
        this.#share.close();
        if (error) server.onRefused?.({ address: admission.address, reason: error.message });
        onClosed();
      },
    });
  }

  drain(): void {
    this.#http2.drain();
  }

  destroy(): void {
    this.#http2.destroy('the server stops');
  }

  tend(): void {
    this.#http2.tend(keepalive.server);
    this.#share.shedSlow(nowMs());
  }

  #onRequest(stream: Http2Stream, list: HeaderList, isEnd: boolean): void {
    if (list.isTooLarge) {
      answerHttp(stream, '431', 'The header fields are too large.');
      return;
    }
    const head = RequestHead.of(list);
    if (head.malformed !== undefined) throw new StreamError(stream.id, 'PROTOCOL_ERROR', head.malformed);
    if (head.contentLength !== undefined) {
      stream.announce(head.contentLength);
      if (isEnd && head.contentLength > 0)
        throw new StreamError(stream.id, 'PROTOCOL_ERROR', 'no data follows content-length');
    }
    if (head.method !== 'POST') {
      answerHttp(stream, '405', 'Only gRPC is served here, which uses POST.');
      return;
    }
    if (!head.isGrpc) {
      answerHttp(stream, '415', 'Only gRPC is served here: content-type application/grpc.');
      return;
    }
    const refusal = this.#refusal(head);
    if (refusal) {
      refuse(stream, refusal);
      // A client with a credential may err as often as it likes.
      if (this.#admission.principal === undefined) this.#http2.countRefused();
    } else this.#begin(stream, head, isEnd);
  }

  /** Why the call is refused by its headers. None of its message is read, and no error is made: a stack costs more than the rest. */
  #refusal(head: RequestHead): Fault | undefined {
    const unwanted = this.#callerProblem(head);
    if (unwanted) return unwanted;
    if (!this.#server.routes.has(head.path)) {
      return { code: 'UNIMPLEMENTED', message: `the server does not implement the method ${head.path}` };
    }
    if (head.timeoutMs === 'invalid') return { code: 'INTERNAL', message: 'the value of grpc-timeout cannot be read' };
    return encodingProblem(head.encoding);
  }

  #begin(stream: Http2Stream, head: RequestHead, isEnd: boolean): void {
    const route = this.#server.routes.get(head.path);
    if (!route) return;
    this.#server.openCalls += 1;
    const home: CallHome = {
      stream,
      head,
      peer: this.#peer,
      share: this.#share,
      deadlines: this.#server.deadlines,
      maxMessageBytes: this.#server.maxMessageBytes,
      nowMs,
      onOver: () => {
        this.#server.openCalls -= 1;
      },
    };
    if (route.kind === 'unary') {
      const call = new UnaryCall(home, route.method, route.handler);
      stream.listen(call);
      call.keep(head.heldBytes);
      if (isEnd) call.onHeaders();
    } else {
      const call = new ServerStream(home, route.method);
      stream.listen(call);
      call.keep(head.heldBytes);
      if (isEnd) call.onHeaders();
      void call.serve(route.handler);
    }
  }

  #callerProblem(head: RequestHead): Fault | undefined {
    const { authorize, connections, onRefused } = this.#server;
    const fault = this.#certificateFault();
    if (fault !== undefined) return { code: 'UNAUTHENTICATED', message: fault };
    const isForAnybody = this.#server.routes.get(head.path)?.isForAnybody ?? false;
    let principal = nobody;
    try {
      if (!isForAnybody) principal = authorize?.({ peer: this.#peer, metadata: head.metadata }) ?? nobody;
    } catch (error) {
      return RpcError.from(error);
    }
    const reason = (isForAnybody ? undefined : connections.proven(this.#admission, principal)) ?? this.#makeRoom();
    if (reason === undefined) return undefined;
    onRefused?.({ address: this.#peer.address, reason });
    return { code: 'RESOURCE_EXHAUSTED', message: reason };
  }

  /**
   * Once as many calls are open as may be, a connection that has fewer than another gets in, and the newest call of that other one ends.
   * Returns the reason for a refusal.
   */
  #makeRoom(): string | undefined {
    const { connectionLimits, openCalls, served } = this.#server;
    const max = connectionLimits?.calls ?? Number.POSITIVE_INFINITY;
    if (openCalls < max) return undefined;
    const reason = `${max} calls are open here, which is the limit`;
    // The call that is judged has its stream already.
    let most = this.#http2.openStreams;
    let greediest: ServedConnection | undefined;
    for (const each of served) {
      if (each.#http2.openStreams <= most) continue;
      most = each.#http2.openStreams;
      greediest = each;
    }
    if (!greediest) return reason;
    this.#server.onRefused?.({ address: greediest.#peer.address, reason });
    greediest.#http2.shedNewest(reason);
    return undefined;
  }

  /** The problem with the client's certificate. It is reported once. */
  #certificateFault(): string | undefined {
    const reason = this.#secured?.faultAt(wallTimeMs());
    if (reason === undefined) return undefined;
    if (!this.#isFaultTold) this.#server.onRefused?.({ address: this.#peer.address, reason });
    this.#isFaultTold = true;
    return reason;
  }
}
