import { afterEach } from 'vitest';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection, Listener, Network } from '../../src/transport/rpc.ts';
import { describeNetwork } from './network-suite.ts';

const opened: (Connection | Listener)[] = [];

afterEach(() => {
  for (const end of opened.splice(0)) end.close();
});

/** Real sockets, closed after each test. */
const network: Network = {
  async connect(address, options) {
    const connection = await grpcNetwork.connect(address, options);
    opened.push(connection);
    return connection;
  },
  async listen(address, options) {
    const listener = await grpcNetwork.listen(address, options);
    opened.push(listener);
    return listener;
  },
};

describeNetwork('grpc', (story) => story(network));
