import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { limits } from '../../contract/wire/limits.ts';
import { usageExitCode } from '../command.ts';

/**
 * The payload of one message: the argument, or all of stdin for `-`, of which it reads no more than the limit. Undefined when `stop` aborts
 * first. @throws UserFacingError `shell/payload/too-large`
 */
export async function readPayload(argument: string, stop: AbortSignal): Promise<Uint8Array | undefined> {
  if (argument !== '-') return checked(Buffer.from(argument));
  if (process.stdin.isTTY) process.stderr.write('the payload is read from the terminal; Ctrl-D ends it\n');
  const { stdin } = process;
  stop.addEventListener('abort', () => stdin.destroy(), { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > limits.payloadBytes) break;
    }
  } catch (error) {
    if (!stop.aborted) throw unreadable(error);
  }
  if (stop.aborted) return undefined;
  return checked(Buffer.concat(chunks));
}

function checked(payload: Buffer): Buffer {
  if (payload.length <= limits.payloadBytes) return payload;
  throw new UserFacingError({
    id: 'shell/payload/too-large',
    found: `the payload has more than ${limits.payloadBytes} bytes`,
    expected: `A message has a payload of at most ${limits.payloadBytes} bytes, and all of stdin is one message.`,
    next: ['Send less, or send a reference to where the data is.'],
    exitCode: usageExitCode,
  });
}

function unreadable(error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'shell/payload/unreadable',
    found: `stdin cannot be read: ${messageOf(error)}`,
    next: ['Give the payload as an argument, or pipe it into the command.'],
    exitCode: usageExitCode,
  });
}
