/** The error for a database that does not answer, as opposed to a statement that is wrong. */
import pg from "pg";
import { faultInWords } from "../common/system-error.ts";

export class DatabaseUnavailable extends Error {
  override readonly name = "DatabaseUnavailable";
  /** True if the statement was sent and its result is unknown: it may have been carried out. */
  readonly mayHaveHappened: boolean;

  constructor(message: string, mayHaveHappened: boolean, cause?: unknown) {
    super(message, { cause });
    this.mayHaveHappened = mayHaveHappened;
  }
}

/**
 * Classes of SQLSTATE (PostgreSQL 15, appendix A) of a server that cannot carry out any statement now: connection (08),
 * read-only, as a standby is (25006), authorization (28), unknown database (3D), rollback of a transaction (40), no
 * resources (53), a lock that is not granted (55P03), operator intervention (57), system error (58).
 */
const UNAVAILABLE = /^(?:08|25006|28|3D|40|53|55P03|57|58)/;
/** The first that fits. */
const WORDS: readonly (readonly [code: RegExp, words: string])[] = [
  [/^08P01/, "the server does not speak PostgreSQL's protocol in full: connection poolers are not supported"],
  [/^25006/, "the server is read-only: it may be a standby"],
  [/^28/, "the server rejects the user, the password or the certificate"],
  [/^3D/, "the server has no such database"],
  [/^53100/, "no space is left on the server's disk"],
  [/^53300/, "the server has too many connections"],
  [/^53/, "the server lacks memory or another resource"],
  [/^57014/, "the statement did not end in time"],
  [/^57P0[123]/, "the server is stopping or starting"],
  [/^58/, "the server's system reports an error"],
];

/** The server ends the connection without saying whether it committed. */
const ENDS_CONNECTION = /^(?:08|40003|57P0)/;

/** Whether the connection is of no more use: it broke, or leads to a server that cannot write. */
export const isBroken = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? ENDS_CONNECTION.test(error.code ?? "") || error.code === "25006"
    : error instanceof Error && !isDefect(error);

/** DatabaseUnavailable for this error of `pg`, or the error itself if it is a defect. */
export const unavailableFor = (error: unknown, isSent: boolean): unknown => {
  if (error instanceof DatabaseUnavailable) return error;
  if (error instanceof pg.DatabaseError && error.code !== undefined) {
    const sqlState = error.code;
    if (!UNAVAILABLE.test(sqlState)) return error;
    const mayHaveHappened = isSent && ENDS_CONNECTION.test(sqlState);
    return new DatabaseUnavailable(`${wordsFor(sqlState)} (SQLSTATE ${sqlState})`, mayHaveHappened, error);
  }
  // All other errors of `pg` are about the connection: errors of the system, of TLS, and time limits.
  return error instanceof Error && !isDefect(error)
    ? new DatabaseUnavailable(faultInWords(error), isSent, error)
    : error;
};

const wordsFor = (sqlState: string): string =>
  WORDS.find(([code]) => code.test(sqlState))?.[1] ?? "the server cannot carry out the statement now";

const isDefect = (error: Error): boolean => error instanceof TypeError || error instanceof RangeError;
