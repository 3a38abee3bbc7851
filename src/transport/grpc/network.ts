import type { Network } from '../rpc.ts';
import { connect } from './client/connect.ts';
import { listen } from './server/listen.ts';

/** Real sockets: gRPC over our own HTTP/2. */
export const grpcNetwork: Network = { connect, listen };
