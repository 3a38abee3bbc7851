import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

type Parameter = SQLInputValue;

/** Prepares each SQL text once and runs it. Integers are bigints in both directions. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The first row, in the shape that the caller's SQL gives it. */
  get<Row>(sql: string, ...parameters: readonly Parameter[]): Row | undefined {
    return this.#prepare(sql).get(...parameters.map(storable)) as Row | undefined;
  }

  all<Row>(sql: string, ...parameters: readonly Parameter[]): Row[] {
    return this.#prepare(sql).all(...parameters.map(storable)) as Row[];
  }

  /** The rows one by one, so that the caller can stop before the last. */
  iterate<Row>(sql: string, ...parameters: readonly Parameter[]): Iterable<Row> {
    return this.#prepare(sql).iterate(...parameters.map(storable)) as Iterable<Row>;
  }

  /** The number of rows changed. */
  run(sql: string, ...parameters: readonly Parameter[]): number {
    return Number(this.#prepare(sql).run(...parameters.map(storable)).changes);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      statement.setReadBigInts(true);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}

/** The wire's integers are unsigned and SQLite's are signed. The upper half becomes negative and stays distinct. */
function storable(parameter: Parameter): Parameter {
  return typeof parameter === 'bigint' ? BigInt.asIntN(64, parameter) : parameter;
}
