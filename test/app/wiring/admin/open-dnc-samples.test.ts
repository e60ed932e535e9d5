import { describe, expect, it } from "vitest";
import { noteSample } from "../../../../src/app/wiring/admin/open-dnc-samples.ts";
import type { OwnerCount } from "../../../../src/journal/open-dnc/open-dnc-rows.ts";

const notedOf = (counts: readonly Omit<OwnerCount, "oldest">[] | undefined): unknown[] => {
  const noted: unknown[] = [];
  noteSample({
    recent: { noteOpenDoNotCalls: (tenant, open) => void noted.push([tenant, open]) },
    read: () => counts?.map((count) => ({ ...count, oldest: 0 })),
  });
  return noted;
};

describe("a sample of the open Do-Not-Calls", () => {
  it("is not taken while they are unknown", () => {
    expect(notedOf(undefined)).toEqual([]);
  });

  it("is 0 for the whole gateway when none is open", () => {
    expect(notedOf([])).toEqual([["all", 0]]);
  });

  it("has the sum, and each tenant of an OCS; what names no tenant or no OCS is in the sum only", () => {
    expect(
      notedOf([
        { upstream: "ocs", dbid: 101, open: 2 },
        { upstream: "other", dbid: 101, open: 1 },
        { upstream: "", dbid: 101, open: 3 },
        { upstream: null, dbid: null, open: 4 },
      ]),
    ).toEqual([
      ["all", 10],
      [{ upstream: "ocs", dbid: 101 }, 2],
      [{ upstream: "other", dbid: 101 }, 1],
    ]);
  });
});
