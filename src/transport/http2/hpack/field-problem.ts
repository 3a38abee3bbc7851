/** What may be wrong with a character, as bits that are joined over a whole text. */
const notOfNames = 1;
const colon = 2;
const control = 4;

/** By a character's code. */
export const characterFaults = faultsByCode();

/** What HTTP/2 leaves to its connections: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const connectionSpecific = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** The faults of all characters of a text. */
export function faultsOf(text: string): number {
  let faults = 0;
  for (let index = 0; index < text.length; index++) faults |= characterFaults[text.charCodeAt(index)] ?? notOfNames;
  return faults;
}

/** Why no message may have a field of this name, whose characters have these faults, or undefined: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.1 */
export function nameProblem(name: string, faults: number): string | undefined {
  const isPseudo = name.startsWith(':');
  if (name.length === (isPseudo ? 1 : 0)) return 'the name of a field is empty';
  const hasColon = (faults & colon) !== 0 && name.lastIndexOf(':') > 0;
  if ((faults & notOfNames) !== 0 || hasColon) return 'the name of a field has a character that is not allowed';
  if (connectionSpecific.has(name)) return `"${name}" is a field of HTTP/1.1`;
  return undefined;
}

/** Why no field of this name, which is correct, may have this value, whose characters have these faults, or undefined. */
export function valueProblem(name: string, value: string, faults: number): string | undefined {
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1))) {
    return 'the value of a field begins or ends with a space or a tab';
  }
  // https://www.rfc-editor.org/rfc/rfc9110#section-5.5
  if ((faults & control) !== 0) return 'the value of a field has a control character';
  if (name === 'te' && value !== 'trailers') return '"te" is not "trailers"';
  return undefined;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function faultsByCode(): Uint8Array {
  // https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
  const ofNames = new Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");
  return Uint8Array.from({ length: 256 }, (_, code) => {
    const character = String.fromCharCode(code);
    if (character === ':') return colon;
    const isControl = (code < 0x20 && character !== '\t') || code === 0x7f;
    return (ofNames.has(character) ? 0 : notOfNames) | (isControl ? control : 0);
  });
}
