import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AnswerSchema, Request, SessionEvent } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { RpcError } from '../../transport/status.ts';
import type { LinkPart } from './bus-link.ts';
import type { RequestInit } from './bus-session.ts';
import { endedStatus } from './ended-status.ts';

export interface ServerSink {
  serving(): void;
  request(request: Request): void;
  ended(status: RpcError): void;
}

/** The patterns on which this plugin answers requests; after a lost session each is announced again. */
export class BusServers implements LinkPart {
  readonly #send: (message: RequestInit) => boolean;
  readonly #open = new Map<number, { readonly pattern: string; readonly sink: ServerSink }>();
  #lastId = 0;
  #stopped = false;

  constructor(options: { send: (message: RequestInit) => boolean }) {
    this.#send = options.send;
  }

  add(
    pattern: string,
    sink: ServerSink,
  ): { answer(answer: MessageInitShape<typeof AnswerSchema>): void; close(): void } {
    this.#lastId += 1;
    const serverId = this.#lastId;
    this.#open.set(serverId, { pattern, sink });
    this.#send({ case: 'serve', value: { serverId, pattern } });
    return {
      answer: (answer) => void this.#send({ case: 'answer', value: answer }),
      close: () => {
        if (this.#open.delete(serverId)) this.#send({ case: 'unserve', value: { serverId } });
      },
    };
  }

  /** Takes no more requests; answers to those under way still go out. */
  stopIntake(): void {
    this.#stopped = true;
  }

  resumeIntake(): void {
    this.#stopped = false;
  }

  onUp(): void {
    for (const [serverId, { pattern }] of this.#open) this.#send({ case: 'serve', value: { serverId, pattern } });
  }

  onEvent(event: SessionEvent['event']): void {
    if (event.case === 'serving') this.#open.get(event.value.serverId)?.sink.serving();
    if (event.case === 'request' && !this.#stopped) this.#open.get(event.value.serverId)?.sink.request(event.value);
    if (event.case === 'servingEnded') {
      const { serverId, reason, detail } = event.value;
      const server = this.#open.get(serverId);
      this.#open.delete(serverId);
      server?.sink.ended(endedStatus(reason, detail));
    }
  }
}
