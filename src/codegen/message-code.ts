import type { DescMessage, DescOneof } from '@bufbuild/protobuf';
import type { GeneratedFile } from '@bufbuild/protoplugin';
import { printComment } from './comment.ts';
import { printCreate } from './create-code.ts';
import { codeField } from './field.ts';
import { printFields } from './fields-code.ts';
import { printRead } from './read-code.ts';
import { messageModule } from './runtime.ts';
import { printWrite } from './write-code.ts';

/** A message is a class of its fields with their defaults, and an object of functions for it. */
export function printMessage(code: GeneratedFile, desc: DescMessage): void {
  printClass(code, desc);
  const messageType = code.import('MessageType', messageModule, true);
  code.print(
    code.export('const', code.importSchema(desc).name),
    ': ',
    messageType,
    `<${code.importShape(desc).name}> = {`,
  );
  code.print(`  typeName: '${desc.typeName}',`);
  printFields(code, desc);
  printCreate(code, desc);
  printWrite(code, desc);
  printRead(code, desc);
  code.print('};');
  code.print();
}

function printClass(code: GeneratedFile, desc: DescMessage): void {
  printComment(code, desc);
  code.print(code.export('class', code.importShape(desc).name), ' {');
  for (const member of desc.members) {
    printComment(code, member, '  ');
    if (member.kind === 'oneof') {
      printOneof(code, member);
      continue;
    }
    const { localName, isList, type, zero, kind } = codeField(code, member);
    if (isList) code.print('  ', localName, ': ', type, '[] = [];');
    else if (kind === 'message') code.print('  ', localName, ': ', type, ' | undefined = undefined;');
    else code.print('  ', localName, ': ', type, ' = ', zero, ';');
  }
  code.print('}');
  code.print();
}

function printOneof(code: GeneratedFile, oneof: DescOneof): void {
  code.print('  ', oneof.localName, ':');
  for (const field of oneof.fields) {
    printComment(code, field, '    ');
    code.print("    | { case: '", field.localName, "'; value: ", codeField(code, field).type, ' }');
  }
  code.print('    | { case: undefined; value?: undefined } = ', code.import('unset', messageModule), ';');
}
