/**
 * Claims that an earlier run could not store had generations too. Later claims are younger than all of them, and the
 * owner of an open record is never told that the record has none.
 */
import { describe, expect, it } from "vitest";
import { StoreFailed } from "../../../src/ownership/store/store.ts";
import { anAttempt, ownershipRuns, verdictOn } from "../kit.ts";

const begin = ownershipRuns();

const full = (): Promise<void> => Promise.reject(new StoreFailed("disk full"));

describe("after a run whose disk was full", () => {
  it("keeps the owners of handles that OCS announced before its restart was proven", async () => {
    const first = await begin();
    for (const handle of [1, 2, 3]) {
      await first.ownership.announce(anAttempt(handle, 101));
      await first.ownership.end("ocs", handle, "call-ended");
    }
    await first.stop();
    const second = await begin({ store: { put: full } });
    for (let handle = 991; handle <= 1000; handle++)
      expect(await second.ownership.announce(anAttempt(handle, 101))).toBe("unstored");
    await second.stop();
    const run = await begin();
    // OCS counts from 1 again: known numbers, and then one that is new.
    for (const handle of [1, 2, 3])
      expect(await run.ownership.announce(anAttempt(handle, 102, `new-${handle}`))).toBe("owned");
    await run.ownership.announce(anAttempt(10, 102));
    expect(run.ownership.epochOf("ocs")).toBe(2);
    expect([1, 2, 3, 10].map((handle) => verdictOn(run, handle, 102))).toEqual(Array(4).fill("its own"));
  });

  it("does not put new announcements in doubt because of claims that were not stored", async () => {
    const first = await begin();
    for (const handle of [3, 4]) await first.ownership.announce(anAttempt(handle, 101));
    await first.stop();
    const second = await begin({ store: { put: full } });
    for (let handle = 11; handle <= 20; handle++) await second.ownership.announce(anAttempt(handle, 101));
    // Its owner is on disk already, and the later attempt is not.
    expect(await second.ownership.announce(anAttempt(4, 101, "later"))).toBe("unstored");
    second.ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    await second.ownership.markUnowned("ocs", 4, [102]);
    await second.stop();
    const run = await begin();
    expect(await run.ownership.announce(anAttempt(21, 102))).toBe("owned");
    expect(verdictOn(run, 21, 102)).toBe("its own");
  });
});

describe("a handle in doubt after a restart within the grace", () => {
  it.each([
    ["the same attempt again", "4-101"],
    ["another attempt", "later"],
  ])("is confirmed when OCS announces %s", async (_what, attempt) => {
    const first = await begin();
    for (const handle of [3, 4]) await first.ownership.announce(anAttempt(handle, 101));
    await first.stop();
    const second = await begin();
    expect(await second.ownership.announce(anAttempt(3, 102))).toBe("owned");
    await second.stop();
    const run = await begin({ restartGrace: 60_000 });
    expect([verdictOn(run, 3, 102), verdictOn(run, 4, 101)]).toEqual(["its own", "unclear: unconfirmed"]);
    expect(await run.ownership.announce(anAttempt(4, 101, attempt))).toBe("again");
    expect(verdictOn(run, 4, 101)).toBe("its own");
  });
});
