import { ConnectionError } from './error-code.ts';
import { frameBytesMax, initialWindowBytes, windowBytesMax } from './frame.ts';

/** https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
const settingId = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

const settingBytes = 6;

/** What the peer wants, or what holds until it says. */
export interface PeerSettings {
  headerTableBytes: number;
  concurrentStreams: number;
  initialWindowBytes: number;
  frameBytes: number;
}

export function defaultPeerSettings(): PeerSettings {
  return {
    headerTableBytes: 4_096,
    concurrentStreams: Number.POSITIVE_INFINITY,
    initialWindowBytes,
    frameBytes: frameBytesMax,
  };
}

/** The settings of a SETTINGS frame's payload on top of `before`. @throws ConnectionError for a value that §6.5.2 forbids. */
export function readSettings(before: PeerSettings, bytes: Buffer, from: number, to: number): PeerSettings {
  if ((to - from) % settingBytes !== 0) {
    throw new ConnectionError('FRAME_SIZE_ERROR', 'a SETTINGS frame that does not end with a setting');
  }
  const settings = { ...before };
  for (let at = from; at < to; at += settingBytes) apply(settings, bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  return settings;
}

function apply(settings: PeerSettings, id: number, value: number): void {
  switch (id) {
    case settingId.headerTableSize:
      settings.headerTableBytes = value;
      break;
    case settingId.enablePush:
      if (value > 1) throw new ConnectionError('PROTOCOL_ERROR', `SETTINGS_ENABLE_PUSH is ${value}, not 0 or 1`);
      break;
    case settingId.maxConcurrentStreams:
      settings.concurrentStreams = value;
      break;
    case settingId.initialWindowSize:
      if (value > windowBytesMax) {
        throw new ConnectionError('FLOW_CONTROL_ERROR', `SETTINGS_INITIAL_WINDOW_SIZE is ${value}`);
      }
      settings.initialWindowBytes = value;
      break;
    case settingId.maxFrameSize:
      if (value < frameBytesMax || value > 0xffffff) {
        throw new ConnectionError('PROTOCOL_ERROR', `SETTINGS_MAX_FRAME_SIZE is ${value}`);
      }
      settings.frameBytes = value;
      break;
    default:
    // A setting that is not known is ignored. The size of header lists is advice, and ours are small.
  }
}

export interface OwnSettings {
  readonly role: 'client' | 'server';
  readonly headerTableBytes: number;
  readonly headerListBytes: number;
  /** Streams that the peer may have open. Absent: any number. */
  readonly concurrentStreams?: number | undefined;
}

/** The payload of our SETTINGS frame. What it leaves out keeps the protocol's default. */
export function settingsPayload(own: OwnSettings): Buffer {
  const settings: [id: number, value: number][] = [
    [settingId.headerTableSize, own.headerTableBytes],
    [settingId.maxHeaderListSize, own.headerListBytes],
  ];
  if (own.role === 'client') settings.push([settingId.enablePush, 0]);
  if (own.concurrentStreams !== undefined) settings.push([settingId.maxConcurrentStreams, own.concurrentStreams]);
  const payload = Buffer.alloc(settings.length * settingBytes);
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * settingBytes);
    payload.writeUInt32BE(value, index * settingBytes + 2);
  });
  return payload;
}
