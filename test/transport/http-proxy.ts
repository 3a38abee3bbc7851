import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface HttpProxy {
  /** `host:port` */
  readonly address: string;
  readonly port: number;
  /** The heads of the requests that it got, in order. */
  readonly requests: readonly string[];
  /** How many connections it accepted. */
  readonly connections: number;
  close(): void;
}

export interface Asked {
  readonly host: string;
  readonly port: number;
  /** The whole head of the request. */
  readonly head: string;
}

/** What a proxy does once a request's head is there. */
export type Behaviour = (client: Socket, asked: Asked) => void;

/** Opens a tunnel to whatever is asked for. */
export const tunnels: Behaviour = (client, { host, port }) => {
  const server = connect(port, host, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.pipe(client).pipe(server);
  });
  for (const [one, other] of [
    [server, client],
    [client, server],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
};

const answers =
  (text: string): Behaviour =>
  (client) =>
    void client.write(text);

/** Asks for a user and a password first. */
export const tunnelsFor =
  (credentials: string): Behaviour =>
  (client, asked) => {
    const basic = `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (asked.head.includes(`proxy-authorization: ${basic}\r\n`)) tunnels(client, asked);
    else client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 6\r\n\r\ndenied');
  };

/** The ways in which a proxy opens no tunnel, each with what an error says of it. */
export const brokenProxies: readonly (readonly [name: string, Behaviour, RegExp])[] = [
  ['asks for a password', answers('HTTP/1.1 407 Nope\r\nContent-Length: 2\r\n\r\nno'), /refuses the tunnel with 407 /],
  ['has no way to the bus', answers('HTTP/1.1 502 Bad\r\n\r\n'), /refuses the tunnel with 502 Bad Gateway/],
  ['forbids', answers('HTTP/1.0 403 \x1b[31mNo\r\n\r\n'), /refuses the tunnel with 403 Forbidden/],
  ['says nothing', () => {}, /did not answer within \d+ ms|no answer within \d+ s/],
  ['speaks something else', answers('SSH-2.0-OpenSSH_9.2\r\n'), /answers with something that is not HTTP/],
  ['never ends its answer', answers(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(9_000)}`), /something that is not HTTP/],
  ['closes', (client) => void client.end(), /closed the connection instead of opening a tunnel/],
  ['resets', (client) => void client.resetAndDestroy(), /closed the connection instead of opening a tunnel/],
  [
    'leads nowhere',
    (client) => void client.end('HTTP/1.1 200 OK\r\n\r\n'),
    /closed before the server spoke HTTP\/2, through the proxy|disconnected before secure TLS/,
  ],
];

/** An HTTP proxy on a free port of loopback. */
export async function startProxy(behave: Behaviour = tunnels): Promise<HttpProxy> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    client.once('data', (bytes: Buffer) => {
      const head = bytes.toString();
      requests.push(head);
      const [, host = '', port = ''] = /^CONNECT (\S+):(\d+) /.exec(head) ?? [];
      behave(client, { host, port: Number(port), head });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return sockets.size;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
