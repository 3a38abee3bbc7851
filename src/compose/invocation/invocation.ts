import { closestName } from '../../base/closest-name.ts';
import { ErrorList, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { composeOptions } from '../../contract/config/settings/compose-options.ts';
import type { ComposeCommand } from '../../contract/config/settings/setting.ts';

/** One call of the provider by Compose. */
export interface Invocation {
  readonly command: ComposeCommand;
  readonly project: string;
  readonly service: string;
  /** As written, by name; a repeated option has all its values. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** Unknown options, in a call that must not fail because of them. */
  readonly ignored: readonly string[];
  /** Of `pull`: the image of the service in the Compose file, and what Compose wants of it. */
  readonly pull?: PullRequest;
}

/** https://github.com/docker/compose/blob/main/docs/extension.md#image-distribution */
export interface PullRequest {
  readonly image: string;
  /** Whether it is what the engine has, or what a registry has. */
  readonly isLocal: boolean;
  /** Whether the newest one of the registry is wanted. */
  readonly isAlways: boolean;
}

interface Words {
  readonly plain: string[];
  readonly options: [name: string, value: string][];
  readonly errors: UserFacingError[];
  project?: string;
}

/**
 * Reads the arguments after `compose`, such as `--project-name=shop up --pool-type=OMSPool sidecar`. Options may be anywhere.
 * The project's name follows `=` (Compose 2.40 and later) or is the next argument.
 * @throws ErrorList of `compose/arguments/*` and `compose/option/*`, all found in one pass, with exit code 64.
 */
export function parseInvocation(argv: readonly string[]): Invocation {
  const words = split(argv);
  const { errors } = words;
  const [command = '', service = '', ...more] = words.plain;
  if (!isComposeCommand(command)) errors.push(unknownCommand(command));
  if (service === '') errors.push(missing('the name of the service, as the last word'));
  if (!words.project) errors.push(missing('--project-name=NAME'));
  // Both become parts of paths and of container names.
  if (!/^(?:[a-z0-9][a-z0-9_-]*)?$/.test(words.project ?? '')) errors.push(badName('project', words.project ?? ''));
  if (!/^[A-Za-z0-9._-]*$/.test(service)) errors.push(badName('service', service));
  if (more.length > 0) errors.push(tooMany(more));
  const pull = command === 'pull' ? takePullRequest(words) : undefined;
  const { known, ignored } = knownOptions(words, command !== 'up' && isComposeCommand(command));
  if (errors.length > 0 || !isComposeCommand(command)) throw new ErrorList(errors);
  return { command, project: words.project ?? '', service, options: known, ignored, ...(pull && { pull }) };
}

/** Takes out the options that are Compose's own. It may add more, which are ignored like all that are unknown. */
function takePullRequest({ options, errors }: Words): PullRequest {
  const own = new Map(options.splice(0));
  const image = own.get('image') ?? '';
  if (image === '') errors.push(missing('--image=IMAGE'));
  return { image, isLocal: own.get('source') === 'local', isAlways: own.get('policy') === 'always' };
}

function isComposeCommand(word: string): word is ComposeCommand {
  return word === 'up' || word === 'down' || word === 'stop' || word === 'pull';
}

function split(argv: readonly string[]): Words {
  const words: Words = { plain: [], options: [], errors: [] };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.plain.push(...rest.splice(0));
    } else if (word === '--project-name') {
      words.project = rest.shift() ?? '';
    } else if (word.startsWith('--project-name=')) {
      words.project = word.slice('--project-name='.length);
    } else if (word.startsWith('--')) {
      const at = word.indexOf('=');
      if (at < 0) words.errors.push(noValue(word));
      else words.options.push([word.slice(2, at), word.slice(at + 1)]);
    } else {
      words.plain.push(word);
    }
  }
  return words;
}

/** With `isLenient`, unknown options are ignored: a typing mistake must not prevent a removal. */
function knownOptions({ options, errors }: Words, isLenient: boolean) {
  const known = new Map<string, string[]>();
  const ignored: string[] = [];
  for (const [name, value] of options) {
    const option = Object.hasOwn(composeOptions, name) ? composeOptions[name] : undefined;
    const before = known.get(name);
    if (option === undefined) {
      if (isLenient) ignored.push(name);
      else errors.push(unknownOption(name));
    } else if (before === undefined) {
      known.set(name, [value]);
    } else {
      before.push(value);
      if (!option.repeats && before.length === 2) errors.push(notAList(name));
    }
  }
  return { known, ignored };
}

function unknownOption(name: string): UserFacingError {
  const nearest = closestName(name, Object.keys(composeOptions));
  return new UserFacingError({
    id: 'compose/option/unknown',
    found: `there is no option "${name}"`,
    next: [
      nearest === undefined
        ? 'Remove it; `meridian-sidecar compose metadata` lists all options.'
        : `Did you mean \`${nearest}\`?`,
    ],
    exitCode: exitCodes.usage,
  });
}

function notAList(name: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/option/repeated',
    found: `the option \`${name}\` is given more than once, and it is not a list`,
    next: ['Give it one value.'],
    exitCode: exitCodes.usage,
  });
}

function noValue(word: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/option/form',
    found: `"${word}" has no value`,
    next: [`Write it as ${word}=VALUE.`],
    exitCode: exitCodes.usage,
  });
}

function unknownCommand(command: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/arguments/command',
    found: command === '' ? 'no command is given' : `"${command}" is not a command of the provider`,
    expected:
      'Compose calls up, down, stop, pull and metadata; for people there are ps, gc, snippet, image and install.',
    next: ['Name one of them.'],
    exitCode: exitCodes.usage,
  });
}

function missing(what: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/arguments/missing',
    found: `the call lacks ${what}`,
    expected: 'Compose calls `compose --project-name=PROJECT up|down|stop|pull [--OPTION=VALUE…] SERVICE`.',
    next: ['Leave the call to Compose, or add what is missing.'],
    exitCode: exitCodes.usage,
  });
}

function badName(what: 'project' | 'service', name: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/arguments/name',
    found: `${JSON.stringify(name)} cannot be the name of a ${what}`,
    expected: 'Compose lets projects be named with `a-z 0-9 _ -` and services with `A-Z a-z 0-9 . _ -`.',
    next: [`Correct the name of the ${what}.`],
    exitCode: exitCodes.usage,
  });
}

function tooMany(words: readonly string[]): UserFacingError {
  return new UserFacingError({
    id: 'compose/arguments/too-many',
    found: `unknown words after the name of the service: ${words.map((word) => `"${word}"`).join(', ')}`,
    next: ['Write options as --OPTION=VALUE.'],
    exitCode: exitCodes.usage,
  });
}
