import type { DescService } from '@bufbuild/protobuf';
import type { GeneratedFile } from '@bufbuild/protoplugin';
import { printComment } from './comment.ts';
import { messageModule } from './runtime.ts';

/** A service is an object that names the methods, their kinds and their messages. */
export function printService(code: GeneratedFile, desc: DescService): void {
  const serviceType = code.import('ServiceType', messageModule, true);
  printComment(code, desc);
  code.print(code.export('const', desc.name), ' = {');
  code.print(`  typeName: '${desc.typeName}',`);
  code.print('  methods: {');
  for (const method of desc.methods) {
    const input = code.importSchema(method.input);
    const output = code.importSchema(method.output);
    printComment(code, method, '    ');
    code.print(
      `    ${method.localName}: { name: '${method.name}', kind: '${method.methodKind}', input: `,
      input,
      ', output: ',
      output,
      ' },',
    );
  }
  code.print('  },');
  code.print('} as const satisfies ', serviceType, ';');
  code.print();
}
