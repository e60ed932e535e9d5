/** What a reload makes of news about the OCS: two switchboards, the old one and the new one, hear of one upstream. */
import { afterEach, describe, expect, it } from "vitest";
import { earFor, type Ear } from "../../src/assemble/ownership.ts";
import { Ownership } from "../../src/tenants/ownership.ts";
import type { Announcers } from "../../src/upstream/announcers.ts";
import { aTenant } from "../kit/line.ts";

const open: Ownership[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const one = "http://127.0.0.1:1";
const two = "http://127.0.0.2:1";
const started = { endpoint: one, how: "start" } as const;
const reconnected = { endpoint: one, how: "reconnected" } as const;
const takenOver = { endpoint: two, how: "takeover" } as const;

type Step = (before: Ear, next: Ear) => void;
const lost: Step = (before) => before.hear(undefined);
const inForce: Step = (_, next) => next.open();
const foundAgain: Step = (before) => before.hear(reconnected);
const foundByNext: Step = (_, next) => next.hear(started);
const CASES: readonly [what: string, steps: readonly Step[], verdict: string][] = [
  ["nothing was lost", [inForce, foundByNext], "its own"],
  ["nothing was lost, and the next one finds OCS first", [foundByNext, inForce], "its own"],
  ["the one before finds OCS again, and is replaced", [lost, foundAgain, inForce, foundByNext], "unconfirmed"],
  ["the one before is replaced, and finds OCS again", [lost, inForce, foundAgain, foundByNext], "unconfirmed"],
  ["it is replaced, loses OCS and finds it again", [inForce, lost, foundAgain, foundByNext], "unconfirmed"],
  ["it is replaced, and finds OCS again when the next one has it", [inForce, foundByNext, lost, foundAgain], "its own"],
  ["the next one finds OCS again", [lost, inForce, (_, next) => next.hear(reconnected)], "unconfirmed"],
  [
    "the one before finds the peer",
    [lost, inForce, (before) => before.hear(takenOver), (_, next) => next.hear({ endpoint: two, how: "start" })],
    "epoch-ended",
  ],
];

describe("a record handle over a reload", () => {
  it.each(CASES)("where %s", async (_what, steps, verdict) => {
    const ownership = new Ownership({ staleAfter: () => 1_800_000, tell: () => undefined });
    open.push(ownership);
    const announcers = new Map<string, Announcers>();
    const way = { upstream: "ocs", origins: [one, two] };
    const before = earFor(ownership, announcers, way);
    before.open();
    before.hear(started);
    const said = { campaign: null, group: null, list: null, phone: null, attempt: "first" };
    await ownership.announce({ upstream: "ocs", handle: 15, tenant: 101, ...said });
    const next = earFor(ownership, announcers, way);
    for (const step of steps) step(before, next);
    const asked = ownership.ask(aTenant({ records: "pre-dial" }), "15", false);
    const found = "lease" in asked ? "its own" : "unclear" in asked ? asked.unclear : asked.denied.why;
    expect(found).toBe(verdict);
  });
});
