/**
 * OCS, or a registrar, gives an unconfirmed handle to another tenant: OCS may have been restarted, so handles as old
 * are not confirmed together with newer ones any more. That has to outlive the gateway's process.
 */
import { describe, expect, it } from "vitest";
import type { Ownership } from "../../../src/ownership/ownership.ts";
import { StoreFailed } from "../../../src/ownership/store/store.ts";
import { anAttempt, ownershipRuns, verdictOn } from "../kit.ts";

const begin = ownershipRuns();

const CAUSES: readonly [what: string, cause: (run: Ownership) => Promise<unknown>, answer: string][] = [
  ["OCS announced one of them for another tenant", (run) => run.announce(anAttempt(3, 102)), "owned"],
  ["OCS announced one of them for no tenant here", (run) => run.markUnowned("ocs", 3), "disputed"],
  ["OCS contradicted itself on one of them", (run) => run.markUnowned("ocs", 3, [102, 103]), "disputed"],
  [
    "a registrar named another tenant for one that OCS announced",
    (run) => run.register("ocs", 3, 102, [102]),
    "unclear",
  ],
  [
    "a registrar named another tenant for one that it registered",
    (run) => run.register("ocs", 5, 102, [101, 102]),
    "owned",
  ],
];

type Case = readonly [string, string, (run: Ownership) => Promise<unknown>, string, boolean];
const CASES = CAUSES.flatMap(([what, cause, answer]): Case[] => [
  [what, "in the same run", cause, answer, false],
  [what, "after a restart", cause, answer, true],
]);

/** An earlier run knows 3 and 4, which OCS announced, and 5, which a registrar named. */
const before = async (): Promise<void> => {
  const first = await begin();
  for (const handle of [3, 4]) await first.ownership.announce(anAttempt(handle, 101));
  await first.ownership.register("ocs", 5, 101, [101]);
  await first.stop();
};

describe("handles in doubt", () => {
  it.each(CASES)("are not confirmed together after %s, %s", async (_what, _when, cause, answer, restarts) => {
    await before();
    let run = await begin();
    expect(await cause(run.ownership)).toBe(answer);
    if (restarts) {
      await run.stop();
      run = await begin();
    }
    await run.ownership.announce(anAttempt(9, 102));
    expect([verdictOn(run, 4, 101), verdictOn(run, 9, 102)]).toEqual(["unclear: unconfirmed", "its own"]);
  });

  it.each([false, true])("are confirmed one by one, also after a restart: %s", async (restarts) => {
    await before();
    let run = await begin();
    await run.ownership.announce(anAttempt(3, 102));
    if (restarts) {
      await run.stop();
      run = await begin();
    }
    await run.ownership.announce(anAttempt(4, 101));
    expect(await run.ownership.register("ocs", 5, 101, [101])).toBe("again");
    expect([verdictOn(run, 4, 101), verdictOn(run, 5, 101)]).toEqual(["its own", "its own"]);
  });

  it("stay in doubt over any number of restarts, while newer handles are confirmed together", async () => {
    await before();
    const second = await begin();
    await second.ownership.announce(anAttempt(3, 102));
    await second.ownership.announce(anAttempt(9, 102));
    await second.stop();
    await (await begin()).stop();
    const run = await begin();
    expect(verdictOn(run, 9, 102)).toBe("unclear: unconfirmed");
    await run.ownership.announce(anAttempt(10, 102));
    expect([4, 9].map((handle) => verdictOn(run, handle, handle === 4 ? 101 : 102))).toEqual([
      "unclear: unconfirmed",
      "its own",
    ]);
  });

  it.each([false, true])(
    "stay in doubt when they stay valid in a proven life of OCS, after a restart: %s",
    async (restarts) => {
      const first = await begin({ window: 4 });
      for (const handle of [1, 2, 3, 20]) await first.ownership.announce(anAttempt(handle, 101));
      await first.ownership.announce(anAttempt(5, 101));
      first.ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
      // Announced after the highest one, it may be of the life that 4 proves. The registrar knows better.
      expect(await first.ownership.register("ocs", 5, 103, [103])).toBe("unclear");
      await first.ownership.announce(anAttempt(4, 102));
      let run = first;
      if (restarts) {
        await first.stop();
        run = await begin({ window: 4 });
      }
      expect(run.ownership.epochOf("ocs")).toBe(2);
      for (const handle of [8, 9, 10]) await run.ownership.announce(anAttempt(handle, 102));
      expect([5, 4].map((handle) => verdictOn(run, handle, handle === 5 ? 101 : 102))).toEqual([
        "unclear: unconfirmed",
        "its own",
      ]);
    },
  );

  it("are void after a takeover, and newer handles are confirmed together after a restart", async () => {
    await before();
    const second = await begin();
    await second.ownership.announce(anAttempt(3, 102));
    second.ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
    await second.ownership.announce(anAttempt(2, 101));
    await second.stop();
    const run = await begin({ endpoint: "http://two" });
    await run.ownership.announce(anAttempt(9, 102));
    expect(verdictOn(run, 2, 101)).toBe("its own");
  });

  it("are not dialed while the doubt cannot be written", async () => {
    await before();
    const doubt = (): Promise<void> => Promise.reject(new StoreFailed("disk full"));
    const { ownership } = await begin({ store: { doubt } });
    expect(await ownership.announce(anAttempt(3, 102))).toBe("unstored");
    expect(await ownership.markUnowned("ocs", 4)).toBe("disputed");
  });

  it("do not include those announced after the next loss of connections", async () => {
    await before();
    const run = await begin();
    await run.ownership.announce(anAttempt(4, 101));
    run.ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    await run.ownership.announce(anAttempt(3, 102));
    await run.ownership.announce(anAttempt(9, 102));
    expect([verdictOn(run, 4, 101), verdictOn(run, 5, 101)]).toEqual(["its own", "unclear: unconfirmed"]);
  });
});

describe("handles that OCS announced to an earlier run, in a life that is proven later", () => {
  it("prove no further life when OCS announces them again", async () => {
    const first = await begin({ window: 4 });
    for (const handle of [1, 2, 3, 4, 20]) await first.ownership.announce(anAttempt(handle, 101));
    await first.stop();
    // OCS counts from 1 again: known handles, which prove nothing.
    const second = await begin({ window: 4 });
    for (const handle of [1, 2, 3, 4]) await second.ownership.announce(anAttempt(handle, 101));
    await second.stop();
    const run = await begin({ window: 4 });
    const epoch = run.ownership.epochOf("ocs");
    await run.ownership.announce(anAttempt(5, 101));
    expect(run.ownership.epochOf("ocs")).toBe(epoch + 1);
    for (const handle of [9, 10, 11, 4]) await run.ownership.announce(anAttempt(handle, 101));
    expect(run.ownership.epochOf("ocs")).toBe(epoch + 1);
    await run.stop();
    const next = await begin({ window: 4 });
    await next.ownership.announce(anAttempt(3, 101));
    expect(next.ownership.epochOf("ocs")).toBe(epoch + 1);
  });
});
