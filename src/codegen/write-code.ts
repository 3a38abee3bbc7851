import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { GeneratedFile } from '@bufbuild/protoplugin';
import { type CodeField, codeField } from './field.ts';

/** Writes the fields that differ from their default, by ascending numbers. */
export function printWrite(code: GeneratedFile, desc: DescMessage): void {
  code.print(desc.fields.length > 0 ? '  write(message, out) {' : '  write() {},');
  if (desc.fields.length === 0) return;
  for (const field of desc.fields.toSorted((one, other) => one.number - other.number)) printField(code, field);
  code.print('  },');
}

function printField(code: GeneratedFile, desc: DescField): void {
  const field = codeField(code, desc);
  const at = `message.${desc.oneof?.localName ?? desc.localName}`;
  if (field.packedTag !== undefined) {
    code.print(`    if (${at}.length > 0) {`);
    code.print(`      out.tag(${field.packedTag});`);
    code.print('      const start = out.open();');
    code.print(`      for (const item of ${at}) out.${field.method}(item);`);
    code.print('      out.close(start);');
  } else if (field.isList) {
    code.print(`    for (const item of ${at}) {`);
    printValue(code, field, 'item');
  } else if (desc.oneof) {
    code.print(`    if (${at}.case === '${desc.localName}') {`);
    printValue(code, field, `${at}.value`);
  } else {
    code.print(`    if (${isPresent(field, at)}) {`);
    printValue(code, field, at);
  }
  code.print('    }');
}

function isPresent({ kind, method, zero }: CodeField, at: string): string {
  if (kind === 'message') return `${at} !== undefined`;
  if (kind === 'bytes') return `${at}.length > 0`;
  return method === 'bool' ? at : `${at} !== ${zero.toString()}`;
}

function printValue(code: GeneratedFile, { tag, method, message }: CodeField, value: string): void {
  code.print(`      out.tag(${tag});`);
  if (message) code.print('      out.message(', code.importSchema(message), `, ${value});`);
  else code.print(`      out.${method}(${value});`);
}
