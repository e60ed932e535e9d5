/** Issuers whose keys are at an address: do they come, and can they be used? Their answers tell the time as well. */
import type { Settings } from "../../settings/schema.ts";
import { isAlgorithm } from "../../tenants/credential/jwk.ts";
import { readKeySet } from "../../tenants/credential/jwks.ts";
import type { Row } from "./row.ts";
import { reason } from "../../system-error.ts";

/** `clock`: milliseconds that the other side is ahead of this machine, when it tells. */
export type Heard = { readonly row: Row; readonly clock: number | undefined };

const TIMEOUT_MS = 5000;

export const issuerRows = ({ identity }: Settings): Promise<Heard[]> =>
  Promise.all(
    identity.jwt.flatMap(({ name, jwks_uri: address, algorithms }) =>
      address === null ? [] : [ask(name, address, algorithms)],
    ),
  );

const ask = async (name: string, address: string, algorithms: readonly string[]): Promise<Heard> => {
  const before = performance.now();
  try {
    const response = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const clock = aheadOf(response.headers.get("Date"));
    if (!response.ok) return { row: { name, state: "fail", says: [`${address} answers ${response.status}`] }, clock };
    const { keys, skipped } = readKeySet(await response.json(), algorithms.filter(isAlgorithm));
    const ms = Math.round(performance.now() - before);
    const left = skipped.map(({ kid, reason }) => `not used: ${kid ?? "a key without kid"}, ${reason}`);
    return {
      row: {
        name,
        state: left.length > 0 ? "note" : "ok",
        says: [`${address}: ${keys.size} key${keys.size === 1 ? "" : "s"}, fetched in ${ms} ms`, ...left],
      },
      clock,
    };
  } catch (error) {
    return { row: { name, state: "fail", says: [`${address}: ${reasonOf(error)}`] }, clock: undefined };
  }
};

/** fetch says "fetch failed" and keeps the reason behind it. */
const reasonOf = (error: unknown): string => {
  const { cause, message, name } = error as Error & { readonly cause?: NodeJS.ErrnoException };
  return name === "TimeoutError" ? `no answer within ${TIMEOUT_MS} ms` : cause === undefined ? message : reason(cause);
};

/** Dates tell whole seconds. */
export const aheadOf = (date: string | null | undefined): number | undefined => {
  const told = Date.parse(date ?? "");
  return Number.isNaN(told) ? undefined : told + 500 - Date.now();
};

const SECOND = 1000;
/** Dates are whole seconds, and answers take their time. */
const SAME_MS = 2 * SECOND;

export const clockRow = (clocks: readonly (number | undefined)[], { identity }: Settings): Row => {
  const told = clocks.filter((each) => each !== undefined);
  if (told.length === 0) return { name: "clock", state: "note", says: ["nobody who was asked tells the time"] };
  const worst = told.reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one));
  const skew = Math.min(...identity.jwt.map(({ clock_skew: each }) => each), Number.POSITIVE_INFINITY);
  const says =
    Math.abs(worst) <= SAME_MS
      ? "within 2 s of those who were asked"
      : `${Math.abs(Math.round(worst / SECOND))} s ${worst > 0 ? "behind" : "ahead of"} one of those who were asked`;
  if (Math.abs(worst) > skew)
    return {
      name: "clock",
      state: "warn",
      says: [says, `more than clock_skew (${skew / SECOND} s): tokens may be refused`],
    };
  return { name: "clock", state: "ok", says: [says] };
};
