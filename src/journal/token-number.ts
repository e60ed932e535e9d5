const DIGITS = 8;
const HALF = 2 ** 31;

/**
 * The first digits of a token as a 32-bit number, for finding candidates; the line itself shows whether its token is
 * the same.
 */
export const tokenNumber = (token: string | undefined): number | null =>
  token === undefined ? null : Number.parseInt(token.slice(token.indexOf(":") + 1).slice(0, DIGITS), 16) - HALF;
