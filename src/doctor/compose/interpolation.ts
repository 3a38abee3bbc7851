/** `$$`, `$NAME`, `${NAME}`, or `${NAME` with an operator and a text after it. */
const reference = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+?])([^${}]*))?\})/g;

/**
 * Fills in variables as Compose does (https://docs.docker.com/reference/compose-file/interpolation/); undefined when the text
 * depends on an unknown one.
 */
export function interpolate(text: string, variables: Readonly<Record<string, string>>): string | undefined {
  let isKnown = true;
  const filled = text.replaceAll(reference, (_, dollar, bare, braced, operator = '', word = '') => {
    if (dollar !== undefined) return '$';
    const value = filledIn(variables[String(bare ?? braced)], String(operator), String(word));
    if (value === undefined) isKnown = false;
    return value ?? '';
  });
  // A text that still contains `${` has a form unknown here; `$${` is a dollar and a brace.
  return isKnown && !text.replaceAll(reference, '').includes('${') ? filled : undefined;
}

/** Compose uses a default here, as far as this machine shows. */
function filledIn(value: string | undefined, operator: string, word: string): string | undefined {
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  if (operator.endsWith('-')) return isSet ? value : word;
  if (operator.endsWith('+')) return isSet ? word : '';
  return value;
}
