/**
 * Reads the header Idempotency-Key: a string of structured fields (RFC 9651, 3.3.3; draft-ietf-httpapi-
 * idempotency-key-header) or, because many clients send it so, the same text without quotes.
 */
import type { HeaderLine } from "../common/message.ts";

/** Characters of a key. */
const LONGEST = 255;

export type ReadKey = { readonly key: string } | { readonly fault: string };

const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
/** Without blanks, quotes, commas and semicolons: two headers that a proxy joined, or parameters, are not a key. */
const BARE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]+$/;

/** Undefined without the header. `"a"` and `a` are the same key. */
export const readKeyHeader = (headers: readonly HeaderLine[]): ReadKey | undefined => {
  let value: string | undefined;
  for (const [name, line] of headers) {
    if (name.length !== 15 || name.toLowerCase() !== "idempotency-key") continue;
    if (value !== undefined) return { fault: "Idempotency-Key appears twice" };
    value = line;
  }
  if (value === undefined) return undefined;
  const quoted = QUOTED.exec(value)?.[1]?.replaceAll(/\\(.)/g, "$1");
  const key = quoted ?? (BARE.test(value) ? value : undefined);
  if (key === undefined)
    return { fault: 'Idempotency-Key is malformed: send one string in quotes, as in "8e03978e-40d5-43dd"' };
  if (key === "") return { fault: "Idempotency-Key is empty" };
  return key.length > LONGEST ? { fault: `Idempotency-Key is longer than ${LONGEST} characters` } : { key };
};
