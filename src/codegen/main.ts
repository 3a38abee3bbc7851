import { createEcmaScriptPlugin, runNodeJs } from '@bufbuild/protoplugin';
import { printDescriptors } from './descriptors.ts';
import { printEnum } from './enum-code.ts';
import { printMessage } from './message-code.ts';
import { printService } from './service-code.ts';

// buf starts it for `npm run gen`, hands over the compiled proto files, and writes what comes back.
runNodeJs(
  createEcmaScriptPlugin({
    name: 'src/codegen',
    version: '1',
    generateTs(schema) {
      for (const file of schema.files) {
        const code = schema.generateFile(`${file.name}_pb.ts`);
        code.preamble(file);
        for (const each of schema.typesInFile(file)) {
          if (each.kind === 'enum') printEnum(code, each);
          else if (each.kind === 'message') printMessage(code, each);
          else if (each.kind === 'service') printService(code, each);
          else throw new Error(`${each.toString()} is an extension, which src/codegen does not know`);
        }
      }
      const described = schema.files.some(({ name }) => name === 'grpc/reflection/v1/reflection');
      if (described) printDescriptors(schema.generateFile('grpc/reflection/v1/descriptors.ts'), schema.files);
    },
  }),
);
