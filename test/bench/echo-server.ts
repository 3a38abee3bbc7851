// The least that a server on the same transport can do: it answers every call with what it was asked.
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { serveUnary } from '../../src/transport/rpc.ts';
import { echoMethod } from './echo-method.ts';

const { address } = await grpcNetwork.listen('127.0.0.1:0', {
  routes: [serveUnary(echoMethod, async (message) => message)],
  maxMessageBytes: 4 * 1024 * 1024,
});
process.stdout.write(`listens ${address}\n`);
