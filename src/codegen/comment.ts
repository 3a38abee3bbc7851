import type { AnyDesc, DescFile } from '@bufbuild/protobuf';
import { type GeneratedFile, getComments } from '@bufbuild/protoplugin';

/** Prints what the proto file says in front of a message, field, enum, value, service or method. */
export function printComment(code: GeneratedFile, desc: Exclude<AnyDesc, DescFile>, indent = ''): void {
  const { leading } = getComments(desc);
  if (leading !== undefined) code.print(code.jsDoc(leading.trim(), indent));
}
