import { describe, expect, it } from "vitest";
import { mayDial, type Ownership } from "../../src/ownership/ownership.ts";
import { alpha, anAnnouncement, aStore, failing, ownershipMaker, verdictIn } from "./kit.ts";

const make = ownershipMaker();

describe("the ownership database", () => {
  it("has the owner before the handle can be used", async () => {
    const written = Promise.withResolvers<void>();
    const { ownership } = make({ store: aStore({ put: () => written.promise }) });
    const announced = ownership.announce(anAnnouncement(15));
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("unclear: storing");
    written.resolve();
    expect(await announced).toBe("owned");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
  });

  it("decides whether OCS may dial: a handle that is not written has no owner; a late commit is removed", async () => {
    const removed: unknown[] = [];
    const remove = (...given: unknown[]): Promise<void> => Promise.resolve(void removed.push(given));
    const { ownership, news } = make({ store: aStore({ put: failing, remove }) });
    const owning = await ownership.announce(anAnnouncement(15));
    expect([owning, mayDial(owning)]).toEqual(["unstored", false]);
    expect("lease" in ownership.requestLease(alpha(), "15", false)).toBe(false);
    expect(news).toEqual([{ kind: "store-failed", upstream: "ocs", reason: "disk full" }]);
    expect(removed).toEqual([["ocs", 15, 1]]);
  });

  it.each<[string, (ownership: Ownership) => Promise<unknown>, unknown]>([
    ["a dispute", (ownership) => ownership.announce(anAnnouncement(15, 102)), "unstored"],
    ["an announcement for no tenant here", (ownership) => ownership.markUnowned("ocs", 15), "unstored"],
    [
      "an announcement that contradicts itself",
      (ownership) => ownership.markUnowned("ocs", 15, [101, 102]),
      "unstored",
    ],
    ["a call report", (ownership) => ownership.end("ocs", 15, "call-ended"), false],
    ["a registrar's DELETE", (ownership) => ownership.end("ocs", 15, "taken-back"), false],
  ])(
    "reports %s that cannot be written as failed, and the former owner is still invalid",
    async (_what, take, expected) => {
      const { ownership } = make({ store: aStore({ remove: failing }) });
      await ownership.announce(anAnnouncement(15));
      expect(await take(ownership)).toBe(expected);
      expect("lease" in ownership.requestLease(alpha(), "15", false)).toBe(false);
    },
  );

  it("raises one alarm while removals are pending, and another one the next time", () => {
    let pending = 3;
    const { ownership, news } = make({ store: aStore({ pending: () => pending }) });
    for (const next of [3, 5, 0, 1]) {
      pending = next;
      ownership.tick();
    }
    expect(news).toEqual([
      { kind: "removals-pending", count: 3 },
      { kind: "removals-pending", count: 1 },
    ]);
  });
});
