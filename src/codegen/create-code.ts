import type { DescField, DescMessage, DescOneof } from '@bufbuild/protobuf';
import type { GeneratedFile } from '@bufbuild/protoplugin';
import { messageModule } from './runtime.ts';

/** Makes a message of the fields that are given, the messages in it included. `null` from JavaScript counts as absent. */
export function printCreate(code: GeneratedFile, desc: DescMessage): void {
  const { name } = code.importShape(desc);
  code.print('  create(init) {');
  code.print(`    if (init instanceof ${name}) return init;`);
  code.print(`    const made = new ${name}();`);
  if (desc.members.length > 0) code.print('    if (init == null) return made;');
  for (const member of desc.members) {
    if (member.kind === 'oneof') printOneof(code, member);
    else printField(code, member);
  }
  code.print('    return made;');
  code.print('  },');
}

function printField(code: GeneratedFile, field: DescField): void {
  const given = `init.${field.localName}`;
  code.print(`    if (${given} != null) made.${field.localName} = `, ...value(code, field, given), ';');
}

function value(code: GeneratedFile, field: DescField, given: string) {
  if (!field.message) return [given];
  const schema = code.importSchema(field.message);
  const part = code.import('part', messageModule);
  return field.fieldKind === 'list'
    ? [`${given}.map((item) => `, part, '(', schema, ', item))']
    : [part, '(', schema, `, ${given})`];
}

function printOneof(code: GeneratedFile, oneof: DescOneof): void {
  const given = `init.${oneof.localName}`;
  code.print(`    switch (${given}?.case) {`);
  for (const field of oneof.fields) {
    code.print(`      case '${field.localName}':`);
    code.print(
      `        made.${oneof.localName} = { case: '${field.localName}', value: `,
      ...value(code, field, `${given}.value`),
      ' };',
    );
    code.print('        break;');
  }
  code.print('    }');
}
