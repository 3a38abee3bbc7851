import type { DescMessage } from '@bufbuild/protobuf';
import type { GeneratedFile, Printable } from '@bufbuild/protoplugin';
import { codeField } from './field.ts';
import { messageModule } from './runtime.ts';

/** The table of fields that limits are checked by. */
export function printFields(code: GeneratedFile, desc: DescMessage): void {
  const wireField = code.import('wireField', messageModule);
  code.print('  fields: () => [');
  for (const field of desc.fields) {
    const { kind, isList, message } = codeField(code, field);
    const more: Printable[][] = [];
    if (isList) more.push(['isList: true']);
    if (field.oneof) more.push([`oneof: '${field.oneof.localName}'`]);
    if (message) more.push(['message: ', code.importSchema(message)]);
    const rest = more.flatMap((part, index) => [index === 0 ? ', { ' : ', ', ...part]);
    const end = more.length > 0 ? ' }),' : '),';
    code.print('    ', wireField, `(${field.number}, '${field.name}', '${kind}'`, ...rest, end);
  }
  code.print('  ],');
}
