import type { DescEnum } from '@bufbuild/protobuf';
import type { GeneratedFile } from '@bufbuild/protoplugin';
import { printComment } from './comment.ts';
import { messageModule } from './runtime.ts';

/** An enum is an object of its numbers and the type of them. It is open: a newer peer may send a number that has no name here. */
export function printEnum(code: GeneratedFile, desc: DescEnum): void {
  if (!desc.open) throw new Error(`${desc.toString()} is closed, which src/codegen does not know`);
  const { name } = code.importShape(desc);
  const unknown = code.import('UnknownEnum', messageModule, true);
  printComment(code, desc);
  code.print(code.export('const', name), ' = {');
  for (const value of desc.values) {
    printComment(code, value, '  ');
    code.print('  ', value.localName, ': ', value.number, ',');
  }
  code.print('} as const;');
  code.print(code.export('type', name), ` = (typeof ${name})[keyof typeof ${name}] | `, unknown, ';');
  code.print();
}
