import path from 'node:path';
import {
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface RegisterReply {
  readonly admitted: boolean;
  readonly deployment_id: string;
  readonly refusal_reason: string;
  readonly publish_grants: readonly string[];
  readonly subscribe_grants: readonly string[];
  readonly instance_id: string;
  readonly role: string;
  readonly tags: readonly string[];
}

export interface PublishReply {
  readonly accepted: boolean;
  readonly message_id: string;
  readonly refusal_reason: string;
}

export interface CallReply {
  readonly ok: boolean;
  readonly payload_type: string;
  readonly payload: Buffer;
  readonly failure: string;
  readonly failure_detail: string;
}

export interface Envelope {
  readonly meta: Readonly<Record<string, string>>;
  readonly payload_type: string;
  readonly payload: Buffer;
}

type Unary = (request: object, callback: (error: ServiceError | null, reply: object) => void) => void;
type ServerStreaming = (request: object) => ClientReadableStream<{ readonly envelope: Envelope }>;
type SidecarService = Client &
  Record<'register' | 'publish' | 'call' | 'heartbeat' | 'leave', Unary> & { readonly subscribe: ServerStreaming };

const definition = loadSync('meridian/v1/sidecar.proto', {
  includeDirs: [path.join(import.meta.dirname, 'v1-only')],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});

/** A plugin that knows contract v1 alone, from its own proto files, with grpc-js as it comes and none of our code. */
export class V1Client {
  readonly #service: SidecarService;

  constructor(address: string) {
    const { meridian } = loadPackageDefinition(definition) as unknown as {
      meridian: { v1: { SidecarService: ServiceClientConstructor } };
    };
    this.#service = new meridian.v1.SidecarService(address, credentials.createInsecure()) as unknown as SidecarService;
  }

  /** Resolves once the sidecar can be reached. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#service.waitForReady(Number.POSITIVE_INFINITY, (error) => (error ? reject(error) : resolve()));
    });
  }

  register(request: { schema_version?: string } = { schema_version: '1.0.0' }): Promise<RegisterReply> {
    return this.#unary('register', request);
  }

  publish(topic: string, payload: Buffer | string = '', more: object = {}): Promise<PublishReply> {
    return this.#unary('publish', { topic, payload: Buffer.from(payload), ...more });
  }

  call(topic: string, payload = '', more: object = {}): Promise<CallReply> {
    return this.#unary('call', { topic, payload: Buffer.from(payload), ...more });
  }

  heartbeat(healthy = true): Promise<object> {
    return this.#unary('heartbeat', { healthy, detail: '' });
  }

  leave(): Promise<object> {
    return this.#unary('leave', { reason: 'done' });
  }

  subscribe(pattern: string): V1Subscription {
    return new V1Subscription(this.#service.subscribe({ pattern }));
  }

  /** A subscription that stands. */
  async subscribed(pattern: string): Promise<V1Subscription> {
    const subscription = this.subscribe(pattern);
    await subscription.stands();
    return subscription;
  }

  close(): void {
    this.#service.close();
  }

  #unary<Reply>(method: 'register' | 'publish' | 'call' | 'heartbeat' | 'leave', request: object): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#service[method](request, (error, reply) => (error ? reject(error) : resolve(reply as Reply)));
    });
  }
}

/** One Subscribe stream. */
export class V1Subscription {
  readonly #stream: ClientReadableStream<{ readonly envelope: Envelope }>;
  readonly #stands: Promise<void>;
  readonly #deliveries: AsyncIterator<{ readonly envelope: Envelope }>;

  constructor(stream: ClientReadableStream<{ readonly envelope: Envelope }>) {
    this.#stream = stream;
    // The iteration reports a failure too; without a listener Node would throw one that comes after it.
    stream.on('error', () => {});
    this.#stands = new Promise((resolve) => stream.once('metadata', () => resolve()));
    this.#deliveries = stream[Symbol.asyncIterator]();
  }

  /** Resolves when the subscription stands, which the response headers tell. */
  stands(): Promise<void> {
    return this.#stands;
  }

  /** The next message. @throws ServiceError with the status of the stream; Error when it ended in order. */
  async next(): Promise<Envelope> {
    const { done, value } = await this.#deliveries.next();
    if (done) throw new Error('the stream ended');
    return value.envelope;
  }

  /** The next messages as texts. */
  async texts(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) texts.push((await this.next()).payload.toString());
    return texts;
  }

  cancel(): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.once('status', () => resolve());
      this.#stream.cancel();
    });
  }
}

/** The status name and the details that a call fails with. */
export async function statusOf(call: Promise<unknown>): Promise<{ code: string | undefined; details: string }> {
  try {
    const reply = await call;
    throw new Error(`expected a failure, got ${JSON.stringify(reply)}`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const { code, details } = error as ServiceError;
    return { code: status[code], details };
  }
}
