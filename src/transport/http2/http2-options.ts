import type { ConnectionError } from './frames/error-code.ts';
import type { HeaderList } from './hpack/header-decoder.ts';
import type { Http2Stream } from './stream.ts';

export interface Http2Options {
  readonly role: 'client' | 'server';
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
  /** Streams that the peer may have open. Absent: any number. */
  readonly concurrentStreams?: number | undefined;
  /** A server's new stream: its header list, and whether the request ends with it. */
  readonly onRequest?: (stream: Http2Stream, list: HeaderList, isEnd: boolean) => void;
  /** The peer's first SETTINGS came. */
  readonly onReady?: () => void;
  /** There may be room for another stream: one ended, or the peer changed its settings. */
  readonly onRoom?: () => void;
  /** The peer takes no new streams. */
  readonly onGoaway?: () => void;
  /** Called once, after all streams have failed. `error` is what the peer did wrong, if it did. */
  readonly onClosed: (reason: string, error: ConnectionError | undefined) => void;
}
