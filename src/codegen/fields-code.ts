import type { DescMessage } from '@bufbuild/protobuf';
import type { GeneratedFile } from '@bufbuild/protoplugin';
import { codeField } from './field.ts';

/** The table of fields that limits are checked by. */
export function printFields(code: GeneratedFile, desc: DescMessage): void {
  code.print('  fields: () => [');
  for (const field of desc.fields) {
    const { kind, isList, message } = codeField(code, field);
    const parts = [
      `number: ${field.number}`,
      `name: '${field.name}'`,
      `localName: '${field.localName}'`,
      `kind: '${kind}'`,
    ];
    if (isList) parts.push('isList: true');
    if (field.oneof) parts.push(`oneof: '${field.oneof.localName}'`);
    code.print('    { ', parts.join(', '), ...(message ? [', message: ', code.importSchema(message)] : []), ' },');
  }
  code.print('  ],');
}
