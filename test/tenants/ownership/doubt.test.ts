/**
 * OCS, or a registrar, gives an unconfirmed handle to another tenant: then it may have begun another life, and what is
 * as old is not confirmed together with younger handles any more. That has to outlive the gateway's process.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOwnershipStore, Ownership, type Answer, type OwnershipStore } from "../../../src/tenants/ownership.ts";
import { StoreFailed } from "../../../src/tenants/ownership/store.ts";
import type { Tenant } from "../../../src/tenants/register.ts";
import { aTenant } from "../../kit/line.ts";

let dir: string;
const running: Ownership[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-doubt-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.close()));
  await rm(dir, { recursive: true });
});

type Begun = { readonly ownership: Ownership; readonly stop: () => Promise<void> };

/** One run of the gateway on the same file. `window`: so far below the highest handle a new one proves nothing. */
const begin = async (over: Partial<OwnershipStore> = {}, window = 64, endpoint = "http://one"): Promise<Begun> => {
  const store = { ...(await openOwnershipStore(join(dir, "ownership.sqlite"))), ...over };
  const told = { staleAfter: () => 1_800_000, tell: () => undefined, window: () => window };
  const ownership = new Ownership({ ...told, store });
  running.push(ownership);
  ownership.settle("ocs", { endpoint, how: "start" });
  const stop = async (): Promise<void> => {
    running.splice(running.indexOf(ownership), 1);
    await ownership.close();
  };
  return { ownership, stop };
};

const row = (handle: number, tenant: number) => ({
  upstream: "ocs",
  handle,
  tenant,
  campaign: null,
  group: null,
  list: null,
  phone: null,
  attempt: `${handle}-${tenant}`,
});
const tenant = (dbid: number): Tenant => aTenant({ records: "pre-dial", dbid });
const verdict = (answer: Answer): string =>
  "lease" in answer ? "its own" : "denied" in answer ? answer.denied.why : `unclear: ${answer.unclear}`;
const verdictOn = ({ ownership }: Begun, handle: number, dbid: number): string =>
  verdict(ownership.ask(tenant(dbid), String(handle), false));

const CAUSES: readonly [what: string, cause: (run: Ownership) => Promise<unknown>, answer: string][] = [
  ["OCS announces a handle of that time for another tenant", (run) => run.announce(row(3, 102)), "owned"],
  ["OCS announces a handle of that time for nobody here", (run) => run.disown("ocs", 3), "disputed"],
  ["OCS contradicts itself on a handle of that time", (run) => run.disown("ocs", 3, [102, 103]), "disputed"],
  [
    "a registrar names another tenant for one that OCS announced",
    (run) => run.register("ocs", 3, 102, [102]),
    "unclear",
  ],
  ["a registrar names another tenant for one that it named", (run) => run.register("ocs", 5, 102, [101, 102]), "owned"],
];

type Case = readonly [string, string, (run: Ownership) => Promise<unknown>, string, boolean];
const CASES = CAUSES.flatMap(([what, cause, answer]): Case[] => [
  [what, "in the same run", cause, answer, false],
  [what, "after a restart", cause, answer, true],
]);

/** An earlier run has heard of 3, 4 and 5. */
const before = async (): Promise<void> => {
  const first = await begin();
  for (const handle of [3, 4]) await first.ownership.announce(row(handle, 101));
  await first.ownership.register("ocs", 5, 101, [101]);
  await first.stop();
};

describe("what is in doubt", () => {
  it.each(CASES)("%s: the rest is not confirmed together, %s", async (_what, _when, cause, answer, restarts) => {
    await before();
    let run = await begin();
    expect(await cause(run.ownership)).toBe(answer);
    if (restarts) {
      await run.stop();
      run = await begin();
    }
    await run.ownership.announce(row(9, 102));
    expect([verdictOn(run, 4, 101), verdictOn(run, 9, 102)]).toEqual(["unclear: unconfirmed", "its own"]);
  });

  it.each([false, true])("is confirmed one by one, also after a restart: %s", async (restarts) => {
    await before();
    let run = await begin();
    await run.ownership.announce(row(3, 102));
    if (restarts) {
      await run.stop();
      run = await begin();
    }
    await run.ownership.announce(row(4, 101));
    expect(await run.ownership.register("ocs", 5, 101, [101])).toBe("again");
    expect([verdictOn(run, 4, 101), verdictOn(run, 5, 101)]).toEqual(["its own", "its own"]);
  });

  it("stays in doubt over any number of restarts, and what came since is confirmed with the others", async () => {
    await before();
    const second = await begin();
    await second.ownership.announce(row(3, 102));
    await second.ownership.announce(row(9, 102));
    await second.stop();
    await (await begin()).stop();
    const run = await begin();
    expect(verdictOn(run, 9, 102)).toBe("unclear: unconfirmed");
    await run.ownership.announce(row(10, 102));
    expect([4, 9].map((handle) => verdictOn(run, handle, handle === 4 ? 101 : 102))).toEqual([
      "unclear: unconfirmed",
      "its own",
    ]);
  });

  it.each([false, true])(
    "stays in doubt where it goes over into a proven life, after a restart: %s",
    async (restarts) => {
      const first = await begin({}, 4);
      for (const handle of [1, 2, 3, 20]) await first.ownership.announce(row(handle, 101));
      await first.ownership.announce(row(5, 101));
      first.ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
      // Announced after the highest one, it may be of the life that 4 proves. The registrar knows better.
      expect(await first.ownership.register("ocs", 5, 103, [103])).toBe("unclear");
      await first.ownership.announce(row(4, 102));
      let run = first;
      if (restarts) {
        await first.stop();
        run = await begin({}, 4);
      }
      expect(run.ownership.epochOf("ocs")).toBe(2);
      for (const handle of [8, 9, 10]) await run.ownership.announce(row(handle, 102));
      expect([5, 4].map((handle) => verdictOn(run, handle, handle === 5 ? 101 : 102))).toEqual([
        "unclear: unconfirmed",
        "its own",
      ]);
    },
  );

  it("is over with a takeover, also after a restart", async () => {
    await before();
    const second = await begin();
    await second.ownership.announce(row(3, 102));
    second.ownership.settle("ocs", { endpoint: "http://two", how: "takeover" });
    await second.ownership.announce(row(2, 101));
    await second.stop();
    const run = await begin({}, 64, "http://two");
    await run.ownership.announce(row(9, 102));
    expect(verdictOn(run, 2, 101)).toBe("its own");
  });

  it("keeps OCS from dialing while it cannot be written", async () => {
    await before();
    const doubt = (): Promise<void> => Promise.reject(new StoreFailed("disk full"));
    const { ownership } = await begin({ doubt });
    expect(await ownership.announce(row(3, 102))).toBe("unstored");
    expect(await ownership.disown("ocs", 4)).toBe("disputed");
  });

  it("does not reach what was heard of after connections were lost again", async () => {
    await before();
    const run = await begin();
    await run.ownership.announce(row(4, 101));
    run.ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    await run.ownership.announce(row(3, 102));
    await run.ownership.announce(row(9, 102));
    expect([verdictOn(run, 4, 101), verdictOn(run, 5, 101)]).toEqual(["its own", "unclear: unconfirmed"]);
  });
});

describe("handles that an earlier run heard in a life that is proven only now", () => {
  it("prove no other life when OCS says them again", async () => {
    const first = await begin({}, 4);
    for (const handle of [1, 2, 3, 4, 20]) await first.ownership.announce(row(handle, 101));
    await first.stop();
    // OCS counts from 1 again: known numbers, which prove nothing.
    const second = await begin({}, 4);
    for (const handle of [1, 2, 3, 4]) await second.ownership.announce(row(handle, 101));
    await second.stop();
    const run = await begin({}, 4);
    const epoch = run.ownership.epochOf("ocs");
    await run.ownership.announce(row(5, 101));
    expect(run.ownership.epochOf("ocs")).toBe(epoch + 1);
    for (const handle of [9, 10, 11, 4]) await run.ownership.announce(row(handle, 101));
    expect(run.ownership.epochOf("ocs")).toBe(epoch + 1);
    await run.stop();
    const next = await begin({}, 4);
    await next.ownership.announce(row(3, 101));
    expect(next.ownership.epochOf("ocs")).toBe(epoch + 1);
  });
});
