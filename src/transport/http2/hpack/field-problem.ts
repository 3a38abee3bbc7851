/** A character's part in a name, by its code: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
const nameCharacters = charactersOf("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");

/** What HTTP/2 leaves to its connections: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const connectionSpecific = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

const tab = 0x09;
const space = 0x20;
const colon = 0x3a;
const deleted = 0x7f;

/** Why no message may have a field of this name, or undefined: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.1 */
export function nameProblem(name: string): string | undefined {
  const first = name.charCodeAt(0) === colon ? 1 : 0;
  if (name.length === first) return 'the name of a field is empty';
  for (let index = first; index < name.length; index++) {
    if (nameCharacters[name.charCodeAt(index)] !== 1) return 'the name of a field has a character that is not allowed';
  }
  if (connectionSpecific.has(name)) return `"${name}" is a field of HTTP/1.1`;
  return undefined;
}

/** Why no field of this name, which is correct, may have this value, or undefined. */
export function valueProblem(name: string, value: string): string | undefined {
  const { length } = value;
  if (length > 0 && (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1)))) {
    return 'the value of a field begins or ends with a space or a tab';
  }
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index);
    // https://www.rfc-editor.org/rfc/rfc9110#section-5.5
    if ((code < space && code !== tab) || code === deleted) return 'the value of a field has a control character';
  }
  if (name === 'te' && value !== 'trailers') return '"te" is not "trailers"';
  return undefined;
}

function isBlank(code: number): boolean {
  return code === space || code === tab;
}

function charactersOf(text: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let index = 0; index < text.length; index++) table[text.charCodeAt(index)] = 1;
  return table;
}
