import { UserFacingError } from '../../base/user-facing-error.ts';
import { composeOptions } from '../../contract/config/settings/compose-options.ts';

const optionOfVariable = new Map<string, string>(
  Object.entries(composeOptions).flatMap(([name, { variable }]) => (variable ? [[variable, name] as const] : [])),
);

/** The same problem in the words of the Compose file: with option names instead of variables. */
export function renameVariables(fault: UserFacingError): UserFacingError {
  const rename = (text: string): string =>
    text.replaceAll(/\b[A-Z][A-Z_]*[A-Z]\b/g, (word, at: number) => {
      const option = optionOfVariable.get(word);
      return option === undefined ? word : `${at === 0 ? 'Option' : 'option'} \`${option}\``;
    });
  return new UserFacingError({
    id: fault.id,
    found: rename(fault.message),
    ...(fault.expected !== undefined && { expected: rename(fault.expected) }),
    next: fault.next.map(rename),
    exitCode: fault.exitCode,
  });
}
