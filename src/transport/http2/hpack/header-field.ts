import { faultsOf, nameProblem, valueProblem } from './field-problem.ts';

/** One decoded field, shared by all who receive it: table entries are these objects, made and judged once. */
export interface HeaderField {
  readonly name: string;
  /** A character for each byte. */
  readonly value: string;
  /** What a table and a limit count for it, in bytes: https://www.rfc-editor.org/rfc/rfc7541#section-4.1 */
  readonly size: number;
  /** Why no message may have the field, or undefined: https://www.rfc-editor.org/rfc/rfc9113#section-8.2 */
  readonly problem: string | undefined;
  /** Why no message may have a field of this name, or undefined. */
  readonly nameProblem: string | undefined;
}

export function fieldSize(name: string, value: string): number {
  return name.length + value.length + 32;
}

export function headerField(name: string, value: string): HeaderField {
  return judgedField(name, faultsOf(name), value, faultsOf(value));
}

/** A field whose characters' faults are known. */
export function judgedField(name: string, nameFaults: number, value: string, valueFaults: number): HeaderField {
  return fieldOf(name, value, nameProblem(name, nameFaults), valueFaults);
}

/** A field with the name of another one, which was judged before. */
export function fieldNamedAs(other: HeaderField, value: string, valueFaults: number): HeaderField {
  return fieldOf(other.name, value, other.nameProblem, valueFaults);
}

function fieldOf(name: string, value: string, nameProblem: string | undefined, valueFaults: number): HeaderField {
  return {
    name,
    value,
    size: fieldSize(name, value),
    problem: nameProblem ?? valueProblem(name, value, valueFaults),
    nameProblem,
  };
}
