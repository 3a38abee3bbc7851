/** Longer than any audit line: what is longer is cut here, and belongs to no chain then. */
const lineLengthMax = 64 * 1024;

/** The lines of a text that comes in parts. Memory holds one part and one line, whatever comes. */
export async function* boundedLines(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const part of parts) {
    const lines = part.split('\n');
    lines[0] = `${rest}${lines[0] ?? ''}`;
    rest = (lines.pop() ?? '').slice(0, lineLengthMax);
    yield* lines;
  }
  if (rest !== '') yield rest;
}
