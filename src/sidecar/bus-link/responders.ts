import { Gate } from '../../base/async/gate.ts';
import type { MessageInitShape } from '../../contract/wire/codec/message.ts';
import type { AnswerSchema, Request, SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcError } from '../../transport/status.ts';
import type { RequestInit } from './bus-session.ts';
import { endedStatus } from './ended-status.ts';
import type { SessionListener } from './session-listener.ts';

export interface ResponderSink {
  serving(): void;
  request(request: Request): void;
  /** Why the request is refused now; undefined when it is accepted. */
  refusal(request: Request): string | undefined;
  ended(status: RpcError): void;
}

/** The patterns on which this plugin answers requests. Each is announced again in a new session. */
export class Responders implements SessionListener {
  readonly #send: (message: RequestInit) => boolean;
  readonly #open = new Map<number, { readonly pattern: string; readonly sink: ResponderSink }>();
  /** Requests that wait for the plugin's answer, each with its responder. */
  readonly #asked = new Map<bigint, number>();
  readonly #answered = new Gate(true);
  #lastId = 0;
  #stopped = false;

  constructor(options: { send: (message: RequestInit) => boolean }) {
    this.#send = options.send;
  }

  add(
    pattern: string,
    sink: ResponderSink,
  ): { answer(answer: MessageInitShape<typeof AnswerSchema>): void; close(): void } {
    this.#lastId += 1;
    const serverId = this.#lastId;
    this.#open.set(serverId, { pattern, sink });
    this.#send({ case: 'serve', value: { serverId, pattern } });
    return {
      answer: (answer) => {
        this.#send({ case: 'answer', value: answer });
        if (answer.requestId !== undefined) this.#asked.delete(answer.requestId);
        this.#answered.set(this.#asked.size === 0);
      },
      close: () => {
        if (this.#open.delete(serverId)) this.#send({ case: 'unserve', value: { serverId } });
        this.#forgetRequestsOf(serverId);
      },
    };
  }

  /** Accepts no more requests; answers to those in progress are still sent. */
  stopIntake(): void {
    this.#stopped = true;
  }

  /** Resolves once the plugin has answered every request, or is gone. */
  answered(): Promise<void> {
    return this.#answered.opened();
  }

  resumeIntake(): void {
    this.#stopped = false;
  }

  onSessionOpen(): void {
    // Callers no longer wait for the requests of the session before.
    this.#asked.clear();
    this.#answered.set(true);
    for (const [serverId, { pattern }] of this.#open) this.#send({ case: 'serve', value: { serverId, pattern } });
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case === 'serving') this.#open.get(event.value.serverId)?.sink.serving();
    if (event.case === 'request') this.#ask(event.value);
    if (event.case === 'servingEnded') {
      const { serverId, reason, detail } = event.value;
      const server = this.#open.get(serverId);
      this.#open.delete(serverId);
      server?.sink.ended(endedStatus(reason, detail));
    }
  }

  #ask(request: Request): void {
    const { requestId, serverId } = request;
    const server = this.#stopped ? undefined : this.#open.get(serverId);
    const errorDetail = server ? server.sink.refusal(request) : 'the responder takes no more requests';
    if (errorDetail !== undefined) this.#send({ case: 'answer', value: { requestId, ok: false, errorDetail } });
    if (!server || errorDetail !== undefined) return;
    this.#asked.set(requestId, serverId);
    this.#answered.set(false);
    server.sink.request(request);
  }

  #forgetRequestsOf(serverId: number): void {
    for (const [requestId, askedOf] of this.#asked) if (askedOf === serverId) this.#asked.delete(requestId);
    this.#answered.set(this.#asked.size === 0);
  }
}
