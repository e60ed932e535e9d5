/** How an attempt to send an item ended, and what OCS's answers mean. */
import type { Cause } from "./item.ts";

/**
 * `done`: OCS has answered 200. `never`: no further attempt can succeed. `later`: `blame` says who waits before the
 * next attempt: this item, or all items of its tenant because OCS, a lane or the journal cannot be had; after a request
 * that OCS did not answer well, both.
 */
export type AttemptResult = { readonly says: string; readonly status?: number | undefined } & (
  | { readonly end: "done" }
  | { readonly end: "never"; readonly cause: Cause }
  | { readonly end: "later"; readonly blame: "item" | "tenant" | "both"; readonly mayBeDone?: true | undefined }
);

/**
 * OCS's answers to a Do-Not-Call that the same request will get again. By the manual: 400 (incorrect or unknown
 * request), 410 (record not found). The others mean the same in HTTP (RFC 9110), if something else than OCS answers.
 * 401, 403, 408, 409, 421, 425, 429 and all of 3xx and 5xx may change, so the attempts go on.
 */
const FINAL: ReadonlySet<number> = new Set([400, 404, 405, 406, 410, 411, 413, 414, 415, 422, 431]);

/** `suspected`: the answer may belong to another request. */
export const resultOfAnswer = (status: number, suspected: boolean): AttemptResult => {
  if (suspected)
    return {
      end: "later",
      blame: "both",
      mayBeDone: true,
      status,
      says: `answer ${status}, which may belong to another request`,
    };
  if (status === 200) return { end: "done", status, says: "OCS answered 200" };
  if (FINAL.has(status)) return { end: "never", cause: "rejected", status, says: `OCS answered ${status}` };
  return { end: "later", blame: "both", status, says: `OCS answered ${status}` };
};
