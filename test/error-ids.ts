import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { exitCodes } from '../src/contract/config/exit-codes.ts';
import { root, sourcesIn } from './tidy-sources.ts';

/** An id that the product prints, and the exit code of a process that it ends; undefined: that is not written beside it. */
export interface RaisedError {
  readonly id: string;
  readonly exitCode: number | undefined;
}

/** Stands for the setting in the ids that a parser of any setting may lead to. */
const anySetting = 'config/SETTING';

/** The ids that are put together, with where their last or middle parts are written. */
const assembled: Readonly<
  Record<string, { readonly file: string; readonly parts: RegExp; readonly exitCode?: number }>
> = {
  'bus/policy/${kind}': { file: 'src/bus/access/policy.ts', parts: /policyFault\([\w.]+, '(\w+)'/g, exitCode: 78 },
  'packager/manifest/${fault}': {
    file: 'src/packager/packaged-manifest.ts',
    parts: /reject\('([\w-]+)'/g,
    exitCode: 1,
  },
  'stage/${phase}/failed': { file: 'src/local/stage.ts', parts: /scriptFailure\('(\w+)'/g },
  // Its parts are those of `settingFault`, below.
  'config/${fault.subject}/${fault.fault}': { file: '', parts: /(?!)/g },
};

const sources = sourcesIn('src');

/** Every error id in the sources, each once, in order. */
export function raisedErrors(): RaisedError[] {
  const all = [...written(), ...putTogether(), ...ofSettings(), ...ofScripts()];
  const ids = [...new Set(all.map(({ id }) => id))].sort((a, b) => a.localeCompare(b));
  return ids.map((id) => ({ id, exitCode: all.find((each) => each.id === id)?.exitCode }));
}

function written(): RaisedError[] {
  return sources.flatMap(({ code }) =>
    [...code.matchAll(/(?:\b(\w+)\(\{\s*)?\bid: '([a-z0-9-]+\/[a-z0-9-]+\/[a-z0-9-]+)'/g)].map((match) => ({
      id: match[2] ?? '',
      exitCode: exitCodeIn(code, match.index, match[1] ?? ''),
    })),
  );
}

/** What the object that begins there says, or what its maker says for it. */
function exitCodeIn(code: string, from: number, maker: string): number | undefined {
  const [object = ''] = /^[\s\S]*?\n? *\}\)/.exec(code.slice(from)) ?? [];
  const shorthand = /\bconst exitCode = ([\w.]+)/.exec(code)?.[1];
  const value = /\bexitCode: ([\w.[\]]+)/.exec(object)?.[1] ?? (/\bexitCode,/.test(object) ? shorthand : undefined);
  if (value === undefined) return { errorOf: exitCodes.configuration, warningOf: 0 }[maker] ?? 1;
  if (/^\d+$/.test(value)) return Number(value);
  const name = value.replace('exitCodes.', '') as keyof typeof exitCodes;
  return { ...exitCodes, usageExitCode: exitCodes.usage, notReadyExitCode: 75 }[name];
}

function putTogether(): RaisedError[] {
  const templates = sources.flatMap(({ code }) => [...code.matchAll(/\bid: `([^`]+)`/g)].map(([, id = '']) => id));
  return templates.flatMap((template) => {
    const known = assembled[template];
    if (!known) throw new Error(`the ids of ${template} are put together; say in test/error-ids.ts from what`);
    const text = known.file === '' ? '' : readFileSync(path.join(root, known.file), 'utf8');
    return [...text.matchAll(known.parts)].map(([, part = '']) => ({
      id: template.replace(/\$\{.*?\}/, part),
      exitCode: known.exitCode,
    }));
  });
}

/** Of settings: the problems that parsers find, and those that are reported for one setting. */
function ofSettings(): RaisedError[] {
  const { configuration } = exitCodes;
  return sources.flatMap(({ code }) => [
    ...[...code.matchAll(/\brejected\(\s*'([\w-]+)'/g)].map(([, fault]) => ({
      id: `${anySetting}/${fault}`,
      exitCode: configuration,
    })),
    ...[...code.matchAll(/settingFault\(\{\s*subject: ([^\n]+),\s*fault: '([\w-]+)'/g)].map(
      ([, subject = '', fault]) => ({
        id: `${/^'.*'$/.test(subject) ? `config/${subject.slice(1, -1)}` : anySetting}/${fault}`,
        exitCode: configuration,
      }),
    ),
  ]);
}

/** Of the scripts, and of what runs before anything is bundled. */
function ofScripts(): RaisedError[] {
  const scripts = readdirSync(path.join(root, 'bin')).map((name) => readFileSync(path.join(root, 'bin', name), 'utf8'));
  const texts = [...scripts, ...sources.filter(({ file }) => file.endsWith('.mjs')).map(({ code }) => code)];
  return texts.flatMap((text) => [
    ...[...text.matchAll(/\bfail (\d+) ([a-z0-9-]+\/[a-z0-9-]+\/[a-z0-9-]+)/g)].map(([, code, id = '']) => ({
      id,
      exitCode: Number(code),
    })),
    ...[...text.matchAll(/\[([a-z0-9-]+\/[a-z0-9-]+\/[a-z0-9-]+)\]/g)].map(([, id = '']) => ({
      id,
      exitCode: undefined,
    })),
  ]);
}
