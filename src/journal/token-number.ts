const DIGITS = 8;
const HALF = 2 ** 31;

/** The first digits of a token as a number of four bytes: enough to find it by, and the line tells whether it is the one. */
export const tokenNumber = (token: string | undefined): number | null =>
  token === undefined ? null : Number.parseInt(token.slice(token.indexOf(":") + 1).slice(0, DIGITS), 16) - HALF;
