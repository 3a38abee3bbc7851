import type { Connection, ConnectOptions, Listener, ListenOptions, Network } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

/** The network as one process has it: it can lose what it has connected to, and be killed with everything it has open. */
export class MortalNetwork implements Network {
  readonly #network: Network;
  readonly #connections = new Set<Connection>();
  readonly #listeners = new Set<Listener>();
  #isolated = false;
  #dead = false;

  constructor(network: Network) {
    this.#network = network;
  }

  async connect(address: string, options: ConnectOptions): Promise<Connection> {
    const connection = await this.#network.connect(address, options);
    if (this.#dead || this.#isolated) {
      connection.close();
      throw new RpcError('UNAVAILABLE', this.#dead ? 'this process was killed' : 'the network is away');
    }
    this.#connections.add(connection);
    return connection;
  }

  async listen(address: string, options: ListenOptions): Promise<Listener> {
    const listener = await this.#network.listen(address, options);
    this.#listeners.add(listener);
    return listener;
  }

  /** Breaks every connection that the process made; it may connect again at once. */
  cut(): void {
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
  }

  /** While on, the process reaches nobody; others still reach it. */
  isolate(on: boolean): void {
    this.#isolated = on;
    if (on) this.cut();
  }

  kill(): void {
    this.#dead = true;
    this.cut();
    for (const listener of this.#listeners) listener.close();
  }
}
