import type { DockerOutcome } from '../../src/compose/engine/docker.ts';

export interface FakeContainer {
  readonly id: string;
  name: string;
  readonly labels: Record<string, string>;
  readonly flags: readonly string[];
  readonly image: string;
  readonly command: readonly string[];
  readonly networkMode: string;
  readonly networks: string[];
  readonly createdAt: string;
  isRunning: boolean;
  restartPolicy: string;
}

const flagsWithValue = [
  ...['--name', '--network', '--network-alias', '--publish', '--entrypoint', '--stop-signal', '--memory', '--user'],
  ...['--label', '--env', '--mount', '--stop-timeout', '--restart'],
];

const done = (stdout = ''): DockerOutcome => ({ exitCode: 0, stdout: stdout === '' ? '' : `${stdout}\n`, stderr: '' });
const refused = (stderr: string, exitCode = 1): DockerOutcome => ({ exitCode, stdout: '', stderr: `${stderr}\n` });

/** As much of an engine as the provider calls `docker` for. */
export class FakeEngine {
  readonly containers: FakeContainer[] = [];
  readonly networks = [{ name: 'shop_default', project: 'shop', key: 'default' }];
  /** Called for a container that was stopped. */
  onStop: ((found: FakeContainer) => void) | undefined;
  readonly images = new Map([['meridian-sidecar:0.0.0-source', 'sha256:1']]);
  /** Every call so far, as one line. */
  readonly calls: string[] = [];
  id = 'engine-1';
  /** As it says it, and of its images. */
  platform = 'linux/x86_64';
  imagePlatform = 'linux/amd64';
  /** Whether it starts what is for another processor. */
  emulates = false;
  endpoint = 'unix:///run/fake.sock';
  /** What `meridian-sidecar wait` answers while a sidecar runs: nothing when it is ready. */
  notReady: string | undefined;
  /** Exit code with which a sidecar that is started ends at once; it says `sidecarLog`. */
  sidecarEndsWith: number | undefined;
  sidecarLog = 'startup 1/8';
  /** Names of containers whose creation is still under way. */
  readonly reserved = new Set<string>();
  /** Whether a bus that is started ends at once. */
  busEnds = false;
  #created = 0;
  readonly #waiting = new Map<string, (exitCode: number) => void>();

  call = async (args: readonly string[], signal?: AbortSignal): Promise<DockerOutcome> => {
    this.calls.push(args.join(' '));
    const [command = '', ...rest] = args;
    const handler = this.#commands[command];
    return handler === undefined ? refused(`unknown command: ${command}`) : await handler(rest, signal);
  };

  named(name: string): FakeContainer | undefined {
    return this.containers.find((each) => each.name === name);
  }

  /** A container that is not the provider's, such as the plugin. */
  addPlugin(name: string, networkMode: string, project = 'shop'): FakeContainer {
    return this.#add({ name, labels: { 'com.docker.compose.project': project }, networkMode, isRunning: true });
  }

  end(container: FakeContainer, exitCode: number): void {
    container.isRunning = false;
    this.#waiting.get(container.id)?.(exitCode);
  }

  readonly #commands: Record<
    string,
    (args: readonly string[], signal?: AbortSignal) => DockerOutcome | Promise<DockerOutcome>
  > = {
    info: () => done(`${this.platform} ${this.id}`),
    run: () => (this.emulates ? done() : refused('exec /usr/bin/sleep: exec format error')),
    context: () => done(this.endpoint),
    image: ([, , , name = '']) => {
      const id = this.images.get(name);
      return id === undefined ? refused(`Error: No such image: ${name}`) : done(`${id} ${this.imagePlatform}`);
    },
    pull: ([name]) => refused(`manifest for ${name} not found`),
    network: (args) => this.#network(args),
    ps: (args) =>
      done(
        this.#labelled(args)
          .map(({ id }) => id)
          .join('\n'),
      ),
    inspect: ([, , ...ids]) =>
      done(
        JSON.stringify(this.containers.filter(({ id, name }) => ids.includes(id) || ids.includes(name)).map(inspected)),
      ),
    create: (args) => this.#create(args),
    start: ([id]) => this.#with(id, (found) => this.#start(found)),
    stop: (args) =>
      this.#with(args.at(-1), (found) => {
        this.end(found, 0);
        this.onStop?.(found);
        return done(found.id);
      }),
    rm: (args) =>
      this.#with(args.at(-1), (found) => {
        this.end(found, 137);
        this.containers.splice(this.containers.indexOf(found), 1);
        return done(found.id);
      }),
    rename: ([id, name = '']) =>
      this.#with(id, (found) => {
        if (this.named(name)) return refused(`Conflict. The container name "/${name}" is already in use`);
        found.name = name;
        return done();
      }),
    update: ([, policy = '', id]) =>
      this.#with(id, (found) => {
        found.restartPolicy = policy;
        return done();
      }),
    exec: ([id]) => this.#exec(id),
    wait: ([id = ''], signal) => this.#wait(id, signal),
    logs: () => done(this.sidecarLog),
    build: () => {
      this.images.set('meridian-sidecar:0.0.0-source', 'sha256:2');
      return done();
    },
  };

  #with(id: string | undefined, work: (found: FakeContainer) => DockerOutcome): DockerOutcome {
    const found = this.containers.find((each) => each.id === id || each.name === id);
    return found ? work(found) : refused(`Error response from daemon: No such container: ${id}`);
  }

  #labelled(args: readonly string[]): FakeContainer[] {
    const wanted = args.filter((each) => each.startsWith('label=')).map((each) => each.slice('label='.length));
    return this.containers.filter(({ labels }) =>
      wanted.every((label) => {
        const [name = '', value] = label.split('=');
        return value === undefined ? name in labels : labels[name] === value;
      }),
    );
  }

  #network([command, ...rest]: readonly string[]): DockerOutcome {
    const name = rest.at(-2) ?? '';
    if (command === 'ls') {
      const project = rest
        .find((each) => each.startsWith('label='))
        ?.split('=')
        .at(-1);
      const found = this.networks.filter((each) => each.project === project);
      const isByKey = rest.at(-1)?.includes('.Label');
      return done(found.map((each) => (isByKey ? `${each.key} ${each.name}` : each.name)).join('\n'));
    }
    if (command === 'inspect') {
      const found = this.networks.find((each) => each.name === rest.at(-1));
      return found ? done(found.name) : refused(`network ${rest.at(-1)} not found`);
    }
    if (command === 'rm') {
      const at = this.networks.findIndex((each) => each.name === rest.at(-1));
      if (this.containers.some(({ networks }) => networks.includes(rest.at(-1) ?? ''))) return refused('in use');
      this.networks.splice(at, 1);
      return done();
    }
    return this.#with(rest.at(-1), (found) => {
      found.networks.push(name);
      return done();
    });
  }

  #create(args: readonly string[]): DockerOutcome {
    const values = new Map<string, string[]>();
    let at = 0;
    for (; args[at]?.startsWith('--'); at += 1) {
      const flag = args[at] ?? '';
      if (!flagsWithValue.includes(flag)) continue;
      at += 1;
      values.set(flag, [...(values.get(flag) ?? []), args[at] ?? '']);
    }
    const name = values.get('--name')?.[0] ?? '';
    if (this.named(name) || this.reserved.has(name)) {
      return refused(
        `Error response from daemon: Conflict. The container name "/${name}" is already in use by container`,
      );
    }
    const made = this.#add({
      name,
      labels: Object.fromEntries((values.get('--label') ?? []).map((each) => each.split(/=(.*)/s) as [string, string])),
      networkMode: values.get('--network')?.[0] ?? '',
      flags: args.slice(0, at),
      image: args[at] ?? '',
      command: args.slice(at + 1),
      isRunning: false,
    });
    return done(made.id);
  }

  #add(
    about: Partial<FakeContainer> & Pick<FakeContainer, 'name' | 'labels' | 'networkMode' | 'isRunning'>,
  ): FakeContainer {
    this.#created += 1;
    const isJoined = about.networkMode.startsWith('container:');
    const container: FakeContainer = {
      id: `id${String(this.#created).padStart(4, '0')}`,
      flags: [],
      image: '',
      command: [],
      networks: isJoined ? [] : [about.networkMode],
      createdAt: new Date().toISOString(),
      restartPolicy: 'no',
      ...about,
    };
    this.containers.push(container);
    return container;
  }

  #start(container: FakeContainer): DockerOutcome {
    const joined = /^container:(.*)/.exec(container.networkMode)?.[1];
    if (joined !== undefined && !this.containers.find(({ id }) => id === joined)?.isRunning) {
      return refused('Error response from daemon: cannot join network of a non running container');
    }
    container.isRunning = true;
    const role = container.labels['dev.meridian.role'];
    if (role === 'sidecar' && this.sidecarEndsWith !== undefined) container.isRunning = false;
    if (role === 'bus' && this.busEnds) container.isRunning = false;
    return done(container.id);
  }

  #exec(ownerId: string | undefined): DockerOutcome {
    const runs = this.containers.some((each) => each.networkMode === `container:${ownerId}` && each.isRunning);
    if (runs && this.notReady === undefined) return done('the sidecar is READY after 0.1 s');
    const why = runs ? this.notReady : 'nobody answers';
    return refused(`the sidecar was not ready within 1s: ${why} at 127.0.0.1:9192  [wait/sidecar/not-ready]`, 75);
  }

  #wait(id: string, signal?: AbortSignal): Promise<DockerOutcome> | DockerOutcome {
    const found = this.containers.find((each) => each.id === id);
    if (!found?.isRunning) return done(String(this.sidecarEndsWith ?? 0));
    return new Promise((resolve) => {
      this.#waiting.set(id, (exitCode) => resolve(done(String(exitCode))));
      signal?.addEventListener('abort', () => resolve(refused('', 143)));
    });
  }
}

function inspected(container: FakeContainer): object {
  const { id, name, labels, isRunning, createdAt, networkMode, networks, restartPolicy, flags } = container;
  return {
    Id: id,
    Name: `/${name}`,
    Created: createdAt,
    State: { Status: isRunning ? 'running' : 'exited', Running: isRunning },
    Config: { Labels: labels },
    HostConfig: { NetworkMode: networkMode, RestartPolicy: { Name: restartPolicy } },
    NetworkSettings: {
      Networks: Object.fromEntries(networks.map((network) => [network, {}])),
      Ports: isRunning ? Object.fromEntries(publishedBy(flags)) : {},
    },
  };
}

/** As the engine tells them: without an address for IPv4 and for IPv6. */
function publishedBy(flags: readonly string[]): [string, object[]][] {
  const values = flags.filter((_, index) => flags[index - 1] === '--publish');
  return values.map((value) => {
    const [, address, HostPort, port = '', protocol = 'tcp'] = /^(?:(.+):)?(\d+):(\d+)(?:\/(udp))?$/.exec(value) ?? [];
    const addresses = address === undefined ? ['0.0.0.0', '::'] : [address];
    return [`${port}/${protocol}`, addresses.map((HostIp) => ({ HostIp, HostPort }))];
  });
}
