import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { GeneratedFile, Printable } from '@bufbuild/protoplugin';
import { codeField } from './field.ts';

/** Reads fields in any order. A list may be packed or not, and a message that comes twice is merged: https://protobuf.dev/programming-guides/encoding/#last-one-wins */
export function printRead(code: GeneratedFile, desc: DescMessage): void {
  code.print('  read(from, message) {');
  code.print('    while (from.pos < from.end) {');
  code.print('      const tag = from.uint32();');
  code.print('      switch (tag) {');
  for (const field of desc.fields) printField(code, field);
  code.print('        default:');
  code.print('          from.skip(tag);');
  code.print('      }');
  code.print('    }');
  code.print('    return message;');
  code.print('  },');
}

function printField(code: GeneratedFile, desc: DescField): void {
  const field = codeField(code, desc);
  code.print(`        case ${field.tag}: {`);
  if (field.message) {
    code.print('          ', ...messageStatement(desc, code.importSchema(field.message)));
  } else {
    const value = [`from.${field.method}()`, ...(desc.enum ? [' as ', field.type] : [])];
    code.print('          ', ...assignment(desc, value));
  }
  code.print('          break;');
  code.print('        }');
  if (field.packedTag === undefined) return;
  code.print(`        case ${field.packedTag}: {`);
  code.print('          const outer = from.enter();');
  code.print('          while (from.pos < from.end) ', ...assignment(desc, [`from.${field.method}()`]));
  code.print('          from.leave(outer);');
  code.print('          break;');
  code.print('        }');
}

function messageStatement(desc: DescField, schema: Printable): Printable[] {
  const empty = [schema, '.create()'];
  const { localName, oneof } = desc;
  if (desc.fieldKind === 'list') return assignment(desc, ['from.message(', schema, ', ', ...empty, ')']);
  const before = oneof
    ? [`message.${oneof.localName}.case === '${localName}' ? message.${oneof.localName}.value : `, ...empty]
    : [`message.${localName} ?? `, ...empty];
  return assignment(desc, ['from.message(', schema, ', ', ...before, ')']);
}

function assignment({ fieldKind, localName, oneof }: DescField, value: readonly Printable[]): Printable[] {
  if (fieldKind === 'list') return [`message.${localName}.push(`, ...value, ');'];
  if (oneof) return [`message.${oneof.localName} = { case: '${localName}', value: `, ...value, ' };'];
  return [`message.${localName} = `, ...value, ';'];
}
