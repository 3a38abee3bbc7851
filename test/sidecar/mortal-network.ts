import type { Connection, ConnectOptions, Listener, ListenOptions, Network } from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';

/** The network as one process has it, until the process is killed: then everything it had open is gone at once. */
export class MortalNetwork implements Network {
  readonly #network: Network;
  readonly #open = new Set<Connection | Listener>();
  #dead = false;

  constructor(network: Network) {
    this.#network = network;
  }

  async connect(address: string, options: ConnectOptions): Promise<Connection> {
    return this.#keep(await this.#network.connect(address, options));
  }

  async listen(address: string, options: ListenOptions): Promise<Listener> {
    return this.#keep(await this.#network.listen(address, options));
  }

  kill(): void {
    this.#dead = true;
    for (const each of this.#open) each.close();
  }

  #keep<T extends Connection | Listener>(opened: T): T {
    this.#open.add(opened);
    if (!this.#dead) return opened;
    opened.close();
    throw new RpcError('UNAVAILABLE', 'this process was killed');
  }
}
