/** The words of one paragraph in lines of this width. A word that is wider has a line of its own. */
export function wrapWords(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/**
 * A text of several lines for a terminal of this many columns. What is wrapped of an item of a list continues below the item's text. A line that is
 * indented already, such as one of a stack, stays as it is. Without `columns` the text is for a program or a log, and stays as it is.
 */
export function wrapText(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith(' ') ? [line] : wrapLine(line, columns)))
    .join('\n');
}

function wrapLine(line: string, columns: number): string[] {
  const indent = line.startsWith('- ') ? '  ' : '';
  const [first = '', ...others] = wrapWords(line.slice(indent.length), columns - indent.length);
  return [`${line.slice(0, indent.length)}${first}`, ...others.map((each) => `${indent}${each}`)];
}
