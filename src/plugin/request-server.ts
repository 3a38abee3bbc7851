import { beginningOf } from '../base/bytes.ts';
import type { Log } from '../base/log/log.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { create } from '../contract/wire/codec/message.ts';
import { lengthFault } from '../contract/wire/field-limits/length-fault.ts';
import {
  AnswerSchema,
  type Request,
  type ServeEvent,
  type ServeRequest,
  ServeRequestSchema,
} from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { pluginMethods } from '../contract/wire/methods.ts';
import type { OneofInit } from '../contract/wire/oneof-init.ts';
import type { ClientStream, Connection } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import { bytes, checkArgument, checkMembers, text } from './arguments.ts';
import { isLostConnection } from './lost-connection.ts';
import { type Message, messageFrom } from './message.ts';

/** The answer to one request. */
export interface Answer {
  /** The answer's bytes. */
  readonly payload: Uint8Array;
  /** The payload's format, such as `application/json`, up to 256 bytes; empty when absent. */
  readonly payloadType?: string;
}

const answerKinds = { payload: bytes, payloadType: text } satisfies Record<keyof Answer, unknown>;

/** Answers a request. The caller gets a thrown error as a handler error. */
export type RequestHandler = (request: Message) => Answer | Promise<Answer>;

type ServeRequestInit = OneofInit<typeof ServeRequestSchema, 'message'>;

/** Answers the requests on one pattern, over all connections. */
export class RequestServer {
  readonly #pattern: string;
  readonly #handler: RequestHandler;
  readonly #log: Log;
  readonly #serving = Promise.withResolvers<void>();
  readonly #underWay = new Set<Promise<void>>();
  #stream: ClientStream<ServeEvent, ServeRequest> | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: { pattern: string; handler: RequestHandler; log: Log }) {
    this.#pattern = options.pattern;
    this.#handler = options.handler;
    this.#log = options.log;
    // A plugin that does not wait for it learns of a refusal from the log.
    this.#serving.promise.catch(() => {});
  }

  /** Resolves when the first requests can arrive. @throws RpcError when serving is refused. */
  get serving(): Promise<void> {
    return this.#serving.promise;
  }

  connect(connection: Connection): void {
    if (this.#stopped) return;
    const stream = connection.stream(pluginMethods.serve);
    this.#stream = stream;
    send(stream, { case: 'open', value: { pattern: this.#pattern } });
    this.#running = this.#run(stream);
  }

  /** Accepts no more requests. Resolves when those in progress are answered and the sidecar has accepted the answers. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#underWay);
    this.#stream?.end();
    await this.#running;
  }

  close(): void {
    this.#stopped = true;
    this.#stream?.cancel();
  }

  async #run(stream: ClientStream<ServeEvent, ServeRequest>): Promise<void> {
    try {
      for await (const { event } of stream) {
        if (event.case === 'serving') this.#serving.resolve();
        if (event.case !== 'request' || this.#stopped) continue;
        const answered = this.#answer(stream, event.value).finally(() => this.#underWay.delete(answered));
        this.#underWay.add(answered);
      }
    } catch (error) {
      const failure = RpcError.from(error);
      if (isLostConnection(failure)) return;
      this.#serving.reject(failure);
      this.#log.error(`serving ended: ${failure.message}`, { pattern: this.#pattern });
    }
  }

  async #answer(stream: ClientStream<ServeEvent, ServeRequest>, request: Request): Promise<void> {
    const { requestId, envelope } = request;
    if (!envelope) return;
    try {
      const given = await this.#handler(messageFrom(envelope));
      checkMembers('serve', 'answer', given, answerKinds);
      checkArgument('serve', 'answer.payload', given.payload, bytes);
      const { payload, payloadType = '' } = given;
      const answer = create(AnswerSchema, { requestId, ok: true, payload, payloadType });
      // The transport would end the whole stream for a message over the size limit.
      const fault = lengthFault(AnswerSchema, answer);
      if (fault) throw new Error(`the answer is not passed on: ${fault.message}`);
      send(stream, { case: 'answer', value: answer });
    } catch (error) {
      this.#log.error(`the handler failed, and the caller is told so: ${messageOf(error)}`, { pattern: this.#pattern });
      const errorDetail = beginningOf(messageOf(error), limits.textBytes);
      send(stream, { case: 'answer', value: { requestId, ok: false, errorDetail } });
    }
  }
}

function send(stream: ClientStream<ServeEvent, ServeRequest>, message: ServeRequestInit): void {
  stream.write(create(ServeRequestSchema, { message }));
}
