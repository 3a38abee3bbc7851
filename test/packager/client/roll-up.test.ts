import { describe, expect, test } from 'vitest';
import { rollUp } from '../../../src/packager/client/roll-up.ts';

const entry = 'src/a/index.ts';
const roll = (files: Readonly<Record<string, string>>): string => rollUp(new Map(Object.entries(files)), entry);

describe('declarations of many files become one', () => {
  test('with what the entry exports and what that names, in this order, and nothing else', () => {
    const rolled = roll({
      [entry]:
        "import type { Inner } from '../b/inner.ts';\nexport { Shown } from './shown.ts';\n/** Starts. */\nexport declare function start(inner: Inner): void;\nexport {};\n",
      'src/a/shown.ts':
        "import { type Deep } from '../b/inner.ts';\n/** Is shown { whole. */\nexport interface Shown {\n    /** Unused; is no name here. */\n    readonly Unused: Deep;\n}\nexport interface Unused {\n}\n",
      'src/b/inner.ts':
        'export type Inner = {\n    readonly a: 1;\n} | {\n    readonly b: 2;\n};\nexport type Deep = typeof deep;\ndeclare const deep: 1;\nexport declare const other: 2;\n',
    });
    expect(rolled).toBe(`/** Is shown { whole. */
export interface Shown {
    /** Unused; is no name here. */
    readonly Unused: Deep;
}

type Deep = typeof deep;

declare const deep: 1;

/** Starts. */
export declare function start(inner: Inner): void;

type Inner = {
    readonly a: 1;
} | {
    readonly b: 2;
};

export {};
`);
  });

  test('and what another entry exports is imported from its module', () => {
    const files = {
      [entry]: "import { type Far, Near } from '../b/index.ts';\nexport declare function start(far: Far): Near;\n",
      'src/b/index.ts': 'export type Far = Deep;\ntype Deep = 1;\nexport declare class Near {\n}\n',
    };
    const other = { entry: 'src/b/index.ts', module: './b.mjs' };
    expect(rollUp(new Map(Object.entries(files)), entry, other)).toBe(
      "import type { Far, Near } from './b.mjs';\n\nexport declare function start(far: Far): Near;\n\nexport {};\n",
    );
  });

  test.each([
    [
      'two declarations of one name',
      {
        [entry]: "export { One } from './one.ts';\nexport { Two } from './two.ts';\n",
        'src/a/one.ts': 'type Same = 1;\nexport type One = Same;\n',
        'src/a/two.ts': 'type Same = 2;\nexport type Two = Same;\n',
      },
      /one\.ts and .*two\.ts both declare Same/,
    ],
    [
      'a name from a package',
      { [entry]: "import type { Socket } from 'node:net';\nexport declare function start(socket: Socket): void;\n" },
      /node:net has no declaration of Socket/,
    ],
    [
      'a changed name',
      {
        [entry]: "import type { One as Other } from './one.ts';\nexport declare function start(one: Other): void;\n",
        'src/a/one.ts': 'export type One = 1;\n',
      },
      /index\.ts calls One by another name, Other/,
    ],
    [
      'a name that nothing declares',
      { [entry]: "export { One } from './one.ts';\n", 'src/a/one.ts': '' },
      /one\.ts has no/,
    ],
  ])('%s is refused', (_, files, message) => {
    expect(() => roll(files)).toThrow(message);
  });
});
