// The least that a server of grpc-js, with the options that it has by itself, can do: it answers every call with the bytes
// that it was sent.
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { echoPath } from './echo-path.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const echo = {
  path: echoPath,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

const server = new Server();
const answer: handleUnaryCall<Buffer, Buffer> = ({ request }, respond) => respond(null, request);
server.addService({ echo }, { echo: answer });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`listens 127.0.0.1:${port}\n`);
});
