import { callWithGrpcJs } from './grpc-js-client.ts';
import { serveWithGrpcJs } from './grpc-js-server.ts';
import { peerOptions } from './lines.ts';

const options = peerOptions();
if (options.role === 'server') await serveWithGrpcJs(options);
else callWithGrpcJs(options);
