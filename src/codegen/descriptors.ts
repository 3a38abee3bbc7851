import { deflateRawSync } from 'node:zlib';
import { clone, create, type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { GeneratedFile } from '@bufbuild/protoplugin';

/** Only the sidecar reaches the bus, so a plugin's port does not describe it. */
const hiddenFolder = 'meridian/bus/';

/** Prints the descriptors of the plugin's port, for server reflection: without comments, and compressed. */
export function printDescriptors(code: GeneratedFile, files: readonly DescFile[]): void {
  const described = files
    .filter(({ name }) => !name.startsWith(hiddenFolder))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ proto }) => {
      const file = clone(FileDescriptorProtoSchema, proto);
      delete file.sourceCodeInfo;
      return file;
    });
  const set = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: described }));
  code.print(
    '/** A google.protobuf.FileDescriptorSet of the services of the plugin’s port: raw deflate, in base64. */',
  );
  code.print(`export const pluginPortDescriptors = '${deflateRawSync(set, { level: 9 }).toString('base64')}';`);
}
