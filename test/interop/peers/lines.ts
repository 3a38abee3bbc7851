import { createInterface } from 'node:readline';
import type { Asked, PeerEvent, PeerOptions, Result } from '../peer-process.ts';

/** What the parent asked this peer to be. */
export function peerOptions(): PeerOptions {
  return JSON.parse(process.argv[2] ?? '') as PeerOptions;
}

/** Tells the parent, which reads one JSON object a line. */
export function tell(line: PeerEvent | Result): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Calls back for each line of the parent, and ends this process with it. */
export function eachLine(handle: (asked: Asked) => void): void {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => handle(JSON.parse(line) as Asked));
  lines.on('close', () => process.exit());
}

/** Lets one call through for each `open` of the parent. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #opened = 0;

  open(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#opened += 1;
  }

  async pass(): Promise<void> {
    tell({ event: 'gated' });
    if (this.#opened > 0) this.#opened -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export const repeated = (number: number, byteLength: number): Buffer => Buffer.alloc(byteLength, number % 256);
