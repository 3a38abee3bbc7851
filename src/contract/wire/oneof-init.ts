import type { MessageInitShape } from './codec/message.ts';

/** A value for the oneof `Field` of a message: the case with the fields of its message. */
export type OneofInit<Schema, Field extends keyof MessageInitShape<Schema>> = NonNullable<
  MessageInitShape<Schema>[Field]
>;
