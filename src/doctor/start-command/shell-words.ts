/** A word of a command line, or an operator: `;`, `&&`, `||`, `|`, `&`, `(`, `)`, or a redirection as `>`. */
export interface ShellToken {
  readonly isOperator: boolean;
  /** A word's text without its quotes. */
  readonly text: string;
}

const token =
  /\s*(?:(?<operator>\n|&&|\|\||;|\||&(?!>)|\(|\))|(?<redirection>\d*(?:&?>>?|<<?<?)&?\s*[^\s;|&()]*)|(?<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\([^)]*\)|[^\s;|&()<>'"\\])+)|.)/gsy;

/**
 * The words and operators of a command line. It knows only the parts of bash's grammar that determine which program runs in the
 * end.
 */
export function shellTokens(line: string): ShellToken[] {
  const tokens: ShellToken[] = [];
  for (const { groups = {} } of line.trim().matchAll(token)) {
    const { operator, redirection, word } = groups;
    if (word !== undefined) tokens.push({ isOperator: false, text: unquoted(word) });
    else if (redirection !== undefined) tokens.push({ isOperator: true, text: '>' });
    else if (operator !== undefined) tokens.push({ isOperator: true, text: operator === '\n' ? ';' : operator });
  }
  return tokens;
}

function unquoted(word: string): string {
  return word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs, (_, single, double, escaped) =>
    double === undefined ? (single ?? escaped) : double.replaceAll(/\\(.)/gs, '$1'),
  );
}
