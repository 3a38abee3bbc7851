import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import path from 'node:path';

export interface FakeEngine {
  /** What DOCKER_HOST is for it. */
  readonly host: string;
  /** The environment of each container that was created, by its name. */
  readonly created: ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

/** The image that the fake engine has. */
export const knownImage = 'app-image';

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Just enough of the Docker Engine's API for `docker compose create`: it keeps what it is asked to create, and runs nothing. */
export async function fakeEngine(dir: string): Promise<FakeEngine> {
  const socket = path.join(dir, 'engine.sock');
  const created = new Map<string, readonly string[]>();
  const server = createServer((request, response) => {
    void replyTo(request, created).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json', 'api-version': '1.44', ostype: 'linux' });
      response.end(request.method === 'HEAD' ? '' : JSON.stringify(body));
    });
  }).listen(socket);
  await once(server, 'listening');
  return {
    host: `unix://${socket}`,
    created,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function replyTo(request: IncomingMessage, created: Map<string, readonly string[]>): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'http://engine');
  const call = `${request.method} ${url.pathname.replace(/^\/v[\d.]+/, '')}`;
  if (call === 'POST /containers/create') {
    const name = url.searchParams.get('name') ?? '';
    const { Env = [] } = JSON.parse(await textOf(request)) as { Env?: string[] };
    created.set(name, Env);
    return { status: 201, body: { Id: name, Warnings: [] } };
  }
  const [, container = ''] = /^GET \/containers\/([^/]+)\/json$/.exec(call) ?? [];
  if (created.has(container))
    return {
      status: 200,
      body: {
        Id: container,
        Name: `/${container}`,
        State: {},
        Config: {},
        HostConfig: {},
        NetworkSettings: { Networks: {} },
      },
    };
  return replies[call] ?? { status: 404, body: { message: `the fake engine has nothing for ${call}` } };
}

const replies: Readonly<Record<string, Reply>> = {
  'HEAD /_ping': { status: 200, body: '' },
  'GET /_ping': { status: 200, body: 'OK' },
  'GET /version': { status: 200, body: { Version: '28.0.0', ApiVersion: '1.44', MinAPIVersion: '1.24', Os: 'linux' } },
  'GET /info': { status: 200, body: { ID: 'fake', OSType: 'linux', Architecture: 'x86_64', ServerVersion: '28.0.0' } },
  'GET /containers/json': { status: 200, body: [] },
  'GET /networks': { status: 200, body: [] },
  'GET /volumes': { status: 200, body: { Volumes: [], Warnings: [] } },
  [`GET /images/${knownImage}/json`]: {
    status: 200,
    body: { Id: `sha256:${'0'.repeat(64)}`, RepoTags: [knownImage], Config: {}, Os: 'linux', Architecture: 'amd64' },
  },
};

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
