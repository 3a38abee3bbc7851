import assert from 'node:assert/strict';
import { errorCodes, type Frame, readGoAway, readReset, takeFrames, types } from '../transport/http2/raw-frames.ts';
import type { Allowed } from './frame-script.ts';

/** What the code under test wrote, checked as its peer would: whole frames, none too large, and no more data than the windows allow. */
export function answeredFrames(
  written: readonly Uint8Array[],
  { frameBytes, windowBytes }: Allowed,
  begin = 0,
): Frame[] {
  const { frames, rest } = takeFrames(Buffer.concat(written).subarray(begin));
  assert.equal(rest.length, 0, 'the answer ends inside a frame');
  let dataBytes = 0;
  for (const { type, payload } of frames) {
    assert.ok(payload.length <= frameBytes, `a frame has ${payload.length} bytes`);
    assert.ok(type <= types.continuation, `a frame has the type ${type}`);
    if (type === types.data) dataBytes += payload.length;
  }
  assert.ok(dataBytes <= windowBytes, `${dataBytes} bytes of data do not fit into the windows`);
  return frames;
}

/** In a few words, without numbers that no code decides by. */
export function outcomeOf(frames: readonly Frame[]): string {
  const ends = frames.filter(({ type }) => type === types.goAway).map(readGoAway);
  const end = ends.find(({ code }) => code !== errorCodes.noError);
  if (end) return `${end.code} ${end.debug.replaceAll(/\d+/g, 'N')}`;
  const kinds = frames.map((each) => (each.type === types.reset ? `reset ${readReset(each)}` : `${each.type}`));
  return [...new Set(kinds)].sort().join();
}
