import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import type { Network } from '../rpc.ts';
import { connect } from './connect.ts';
import { listen } from './listen.ts';

// Errors and statuses already report problems. The library's own lines on stderr would repeat them in another form.
setLogVerbosity(logVerbosity.NONE);

/** Real sockets: gRPC over HTTP/2, by grpc-js. */
export const grpcNetwork: Network = { connect, listen };
