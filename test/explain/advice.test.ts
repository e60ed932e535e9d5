/** What `explain` tells to do now: the advice of each refusal's row, told apart by status where rows share a code. */
import { describe, expect, it } from "vitest";
import { whatToDo } from "../../../src/cli/explain/words.ts";
import { REFUSALS } from "../../../src/gateway/refusals.ts";

const facts = { at: 0, time: 0, kinds: ["refusal"], state: "refused" } as const;
const rows = Object.entries(REFUSALS);
/** The rows whose reason in the journal, or whose state, says more. */
const first = ({ code, status }: { readonly code: string; readonly status: number }) =>
  rows.find(([, row]) => row.code === code && row.status === status)!;

describe("the advice for a refusal", () => {
  it.each(
    rows
      .filter(([name, row]) => first(row)[0] === name)
      .map(([name, { code, status, advice }]) => ({ name, code, status, advice })),
  )("$code $status", ({ code, status, advice }) => {
    expect(advice).toMatch(/^(?:[A-Z]|ocsgw ).{10,}\.$/);
    const again =
      status === 429 || status >= 500 ? " The same request may be sent again: nothing was sent to OCS." : "";
    expect(whatToDo({ ...facts, code, status })).toBe(`${advice}${again}`);
  });

  it.each(["OCSGW-2001", "OCSGW-2002", "OCSGW-2106", "OCSGW-2108", "OCSGW-3001"])("%s has one of its own", (code) => {
    const of = (wanted: string): ReadonlySet<string> =>
      new Set(rows.flatMap(([, row]) => (row.code === wanted ? [row.advice] : [])));
    const others = new Set(rows.filter(([, row]) => row.code !== code).map(([, { advice }]) => advice));
    expect([...of(code)].filter((advice) => others.has(advice))).toEqual([]);
  });

  it("of an entry of an earlier version, whose code has since been split, is that of the code", () => {
    expect(whatToDo({ ...facts, code: "OCSGW-3001", status: 429, stage: "identity" })).toMatch(/Retry-After/);
  });
});
