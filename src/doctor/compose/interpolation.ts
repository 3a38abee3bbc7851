/** `$$`, `$NAME`, `${NAME}`, or `${NAME` with an operator and a text behind it. */
const reference = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+?])([^${}]*))?\})/g;

/**
 * Fills variables in as Compose does (https://docs.docker.com/reference/compose-file/interpolation/); undefined when the
 * text depends on one that is not known here.
 */
export function interpolate(text: string, variables: Readonly<Record<string, string>>): string | undefined {
  let isKnown = true;
  const filled = text.replaceAll(reference, (_, dollar, bare, braced, operator = '', word = '') => {
    if (dollar !== undefined) return '$';
    const value = filledIn(variables[String(bare ?? braced)], String(operator), String(word));
    if (value === undefined) isKnown = false;
    return value ?? '';
  });
  // What is left of a text without references is what this does not understand; `$${` is a dollar and a brace.
  return isKnown && !text.replaceAll(reference, '').includes('${') ? filled : undefined;
}

/** A default is what Compose takes here, as far as this machine tells. */
function filledIn(value: string | undefined, operator: string, word: string): string | undefined {
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  if (operator.endsWith('-')) return isSet ? value : word;
  if (operator.endsWith('+')) return isSet ? word : '';
  return value;
}
