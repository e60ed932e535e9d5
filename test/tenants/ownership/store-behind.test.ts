/**
 * An earlier run had come further than its rows on disk say: claims that could not be stored have counted as well. What
 * is claimed since then is younger than all of them, and an open record's owner is never told that there is none.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOwnershipStore, Ownership, type Answer, type OwnershipStore } from "../../../src/tenants/ownership.ts";
import { StoreFailed } from "../../../src/tenants/ownership/store.ts";
import { aTenant } from "../../kit/line.ts";

let dir: string;
const running: Ownership[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-behind-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.close()));
  await rm(dir, { recursive: true });
});

type Run = { readonly ownership: Ownership; readonly stop: () => Promise<void> };

const begin = async (over: Partial<OwnershipStore> = {}, restartGrace = 0): Promise<Run> => {
  const store = await openOwnershipStore(join(dir, "ownership.sqlite"));
  const ownership = new Ownership({
    store: { ...store, ...over },
    staleAfter: () => 1_800_000,
    tell: () => undefined,
    window: () => 64,
    restartGrace: () => restartGrace,
  });
  running.push(ownership);
  ownership.settle("ocs", { endpoint: "http://one", how: "start" });
  const stop = async (): Promise<void> => {
    running.splice(running.indexOf(ownership), 1);
    await ownership.close();
  };
  return { ownership, stop };
};

const row = (handle: number, tenant: number, attempt = `${handle}-${tenant}`) => ({
  upstream: "ocs",
  handle,
  tenant,
  campaign: null,
  group: null,
  list: null,
  phone: null,
  attempt,
});
const verdict = (answer: Answer): string =>
  "lease" in answer ? "its own" : "denied" in answer ? answer.denied.why : `unclear: ${answer.unclear}`;
const verdictOn = ({ ownership }: Run, handle: number, dbid: number): string =>
  verdict(ownership.ask(aTenant({ records: "pre-dial", dbid }), String(handle), false));

const full = (): Promise<void> => Promise.reject(new StoreFailed("disk full"));

describe("after a run whose disk was full", () => {
  it("what another life of OCS announced before it was proven stays its owner's", async () => {
    const first = await begin();
    for (const handle of [1, 2, 3]) {
      await first.ownership.announce(row(handle, 101));
      await first.ownership.end("ocs", handle, "call-ended");
    }
    await first.stop();
    const second = await begin({ put: full });
    for (let handle = 991; handle <= 1000; handle++)
      expect(await second.ownership.announce(row(handle, 101))).toBe("unstored");
    await second.stop();
    const run = await begin();
    // OCS counts from 1 again: known numbers, and then one that is new.
    for (const handle of [1, 2, 3])
      expect(await run.ownership.announce(row(handle, 102, `new-${handle}`))).toBe("owned");
    await run.ownership.announce(row(10, 102));
    expect(run.ownership.epochOf("ocs")).toBe(2);
    expect([1, 2, 3, 10].map((handle) => verdictOn(run, handle, 102))).toEqual(Array(4).fill("its own"));
  });

  it("what is announced is not in doubt because of claims of that time", async () => {
    const first = await begin();
    for (const handle of [3, 4]) await first.ownership.announce(row(handle, 101));
    await first.stop();
    const second = await begin({ put: full });
    for (let handle = 11; handle <= 20; handle++) await second.ownership.announce(row(handle, 101));
    // Its owner is on disk already, and the later attempt is not.
    expect(await second.ownership.announce(row(4, 101, "later"))).toBe("unstored");
    second.ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    await second.ownership.disown("ocs", 4, [102]);
    await second.stop();
    const run = await begin();
    expect(await run.ownership.announce(row(21, 102))).toBe("owned");
    expect(verdictOn(run, 21, 102)).toBe("its own");
  });
});

describe("a handle in doubt that a short restart would trust", () => {
  it.each([
    ["the same attempt again", "4-101"],
    ["another attempt", "later"],
  ])("is confirmed when OCS announces %s", async (_what, attempt) => {
    const first = await begin();
    for (const handle of [3, 4]) await first.ownership.announce(row(handle, 101));
    await first.stop();
    const second = await begin();
    expect(await second.ownership.announce(row(3, 102))).toBe("owned");
    await second.stop();
    const run = await begin(undefined, 60_000);
    expect([verdictOn(run, 3, 102), verdictOn(run, 4, 101)]).toEqual(["its own", "unclear: unconfirmed"]);
    expect(await run.ownership.announce(row(4, 101, attempt))).toBe("again");
    expect(verdictOn(run, 4, 101)).toBe("its own");
  });
});
