/**
 * Tests whether the keys of issuers can be fetched and used. Compares the clock with the Date headers of all answers.
 */
import type { Settings } from "../../../settings/schema/schema.ts";
import { isAlgorithm } from "../../../identity/jwt/jwk.ts";
import { readKeySet } from "../../../identity/jwt/jwks.ts";
import type { Row } from "./row.ts";
import { reason } from "../../../common/system-error.ts";

/** `clock`: milliseconds that the server is ahead of this machine; undefined without a Date header. */
export type Tested = { readonly row: Row; readonly clock: number | undefined };

const TIMEOUT_MS = 5000;

export const issuerRows = ({ identity }: Settings): Promise<Tested[]> =>
  Promise.all(
    identity.jwt.flatMap(({ name, jwks_uri: address, algorithms }) =>
      address === null ? [] : [ask(name, address, algorithms)],
    ),
  );

const ask = async (name: string, address: string, algorithms: readonly string[]): Promise<Tested> => {
  const before = performance.now();
  const failed = (why: string): Row => ({
    name,
    state: "fail",
    says: [why, "check identity.jwt[].jwks_uri and the network: without keys this issuer's tokens are refused"],
  });
  try {
    const response = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const clock = aheadOf(response.headers.get("Date"));
    if (!response.ok) return { row: failed(`${address} answers ${response.status}`), clock };
    const { keys, skipped } = readKeySet(await response.json(), algorithms.filter(isAlgorithm));
    const ms = Math.round(performance.now() - before);
    const ignored = skipped.map(({ kid, reason }) => `ignored: ${kid ?? "a key without kid"}, ${reason}`);
    return {
      row: {
        name,
        state: ignored.length > 0 ? "note" : "ok",
        says: [`${address}: ${keys.size} key${keys.size === 1 ? "" : "s"}, fetched in ${ms} ms`, ...ignored],
      },
      clock,
    };
  } catch (error) {
    return { row: failed(`${address}: ${reasonOf(error)}`), clock: undefined };
  }
};

/** The message of fetch is "fetch failed"; the reason is its cause. */
const reasonOf = (error: unknown): string => {
  const { cause, name } = error as Error & { readonly cause?: NodeJS.ErrnoException };
  if (name === "TimeoutError") return `no answer within ${TIMEOUT_MS} ms`;
  if (error instanceof SyntaxError) return "the answer is not JSON";
  return reason(cause ?? error);
};

/** Date headers have whole seconds. */
export const aheadOf = (date: string | null | undefined): number | undefined => {
  const sent = Date.parse(date ?? "");
  return Number.isNaN(sent) ? undefined : sent + 500 - Date.now();
};

const SECOND = 1000;
/** Accepted as equal: Date headers have whole seconds, and answers are delayed. */
const SAME_MS = 2 * SECOND;

/** More than delays explain. */
const WRONG_MS = 60 * SECOND;
const CORRECT = "set the clocks by NTP";

export const clockRow = (clocks: readonly (number | undefined)[], { identity }: Settings): Row => {
  const known = clocks.filter((each) => each !== undefined);
  if (known.length === 0)
    return { name: "clock", state: "note", says: ["not checked: no contacted server sent a Date header"] };
  const worst = known.reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one));
  const skew = Math.min(...identity.jwt.map(({ clock_skew: each }) => each));
  const says =
    Math.abs(worst) <= SAME_MS
      ? "differs by at most 2 s from the contacted servers"
      : `${Math.abs(Math.round(worst / SECOND))} s ${worst > 0 ? "behind" : "ahead of"} a contacted server`;
  if (Math.abs(worst) > skew)
    return {
      name: "clock",
      state: "warn",
      says: [says, `that is more than clock_skew (${skew / SECOND} s), so valid tokens may be rejected: ${CORRECT}`],
    };
  if (Math.abs(worst) > WRONG_MS)
    return {
      name: "clock",
      state: "warn",
      says: [says, `the journal's times, and when keys and certificates expire, depend on this clock: ${CORRECT}`],
    };
  return { name: "clock", state: "ok", says: [says] };
};
