import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** A socket whose other end is this program: what is given comes at once, and what is written is kept. It takes everything. */
export class MemorySocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 1;
  readonly writableLength = 0;
  readonly written: Uint8Array[] = [];
  writable = true;
  destroyed = false;
  #isEnded = false;

  /** As what is passed to code under test. It has what that code uses. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** Bytes from the other end. */
  give(bytes: Uint8Array): void {
    if (!this.destroyed && !this.#isEnded) this.emit('data', bytes);
  }

  write(bytes: Uint8Array): boolean {
    if (this.writable) this.written.push(Uint8Array.from(bytes));
    return true;
  }

  end(): this {
    this.#isEnded = true;
    this.writable = false;
    return this;
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.writable = false;
    this.emit('close');
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }

  cork(): void {}

  uncork(): void {}
}
