import { StreamEnd, type StreamFormats } from '../stream-end.ts';

/** Read ahead of the reader. Beyond it HTTP/2's flow control stops the peer. */
const readAhead = { messages: 16, bytes: 256 * 1024 };

export const passBytes = (bytes: Buffer): Buffer => bytes;

/** The same memory as a Buffer, which grpc-js requires. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The common part of grpc-js's two kinds of duplex streams. */
interface MessageDuplex {
  readonly writable: boolean;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  write(bytes: Buffer, passedOn: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  isPaused(): boolean;
}

/** A stream's end on one of grpc-js's object-mode duplex streams, client's or server's. */
export abstract class DuplexEnd<Incoming, Outgoing> extends StreamEnd<Incoming, Outgoing> {
  readonly #duplex: MessageDuplex;

  constructor(duplex: MessageDuplex, formats: StreamFormats<Incoming, Outgoing>) {
    super(formats);
    this.#duplex = duplex;
    duplex.on('data', (bytes: Buffer) => {
      this.arrived(bytes);
      if (this.#isAhead()) duplex.pause();
    });
    // A reset ends the reading too, just before it is recognisable as one. An iteration that ended by then would look complete.
    duplex.on('end', () => setImmediate(() => this.inbox.end()));
  }

  protected override send(bytes: Uint8Array): void {
    const passedOn = (): void => this.left(bytes.byteLength);
    if (this.#duplex.writable) this.#duplex.write(asBuffer(bytes), passedOn);
    else passedOn();
  }

  protected override onTaken(): void {
    if (this.#duplex.isPaused() && !this.#isAhead()) this.#duplex.resume();
  }

  #isAhead(): boolean {
    return this.inbox.length >= readAhead.messages || this.inbox.bytes >= readAhead.bytes;
  }
}
