/*
 * Version 0.0.4 of https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. Labels are given as the text
 * between the braces, empty for none.
 */

export const textFormatType = 'text/plain; version=0.0.4; charset=utf-8';

/** @example 'held_bytes{direction="to_bus"} 12' */
export function sampleLine(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}`;
}

/** @example 'topic="a",outcome="accepted"' */
export function labelsText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escaped(values[index] ?? '').replaceAll('"', '\\"')}"`).join(',');
}

/** The two lines before the samples of a metric. */
export function headLines(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
}

export function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : `${value}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
