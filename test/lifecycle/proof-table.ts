/** One passed test: what it staged or ran, and what it proved of it. */
export interface Proof {
  readonly fixture: string;
  readonly fact: string;
}

/** The table of what was proved, from lines of JSON: one fixture a block, one fact a line. */
export function proofTable(lines: string): string {
  const proofs = lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Proof);
  const fixtures = [...new Set(proofs.map(({ fixture }) => fixture))].sort();
  const width = Math.max(0, ...fixtures.map(({ length }) => length));
  const rows = fixtures.flatMap((fixture) =>
    proofs
      .filter((proof) => proof.fixture === fixture)
      .map(({ fact }, index) => `${(index === 0 ? fixture : '').padEnd(width)} | ${fact}`),
  );
  return [
    '',
    '',
    `${'fixture'.padEnd(width)} | what was proved`,
    `${'-'.repeat(width)}-|-${'-'.repeat(60)}`,
    ...rows,
  ].join('\n');
}
