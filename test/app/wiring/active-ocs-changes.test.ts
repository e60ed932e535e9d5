/** A reload while the active OCS changes: the old and the new switchboard report on the same upstream. */
import { afterEach, describe, expect, it } from "vitest";
import { activeOcsListenerFor, type ActiveOcsListener } from "../../../src/app/wiring/ownership.ts";
import { Ownership } from "../../../src/ownership/ownership.ts";
import type { ActiveSource } from "../../../src/callbacks/active-source.ts";
import { aTenant } from "../../kit/line.ts";

const open: Ownership[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const one = "http://127.0.0.1:1";
const two = "http://127.0.0.2:1";
const started = { endpoint: one, how: "start" } as const;
const reconnected = { endpoint: one, how: "reconnected" } as const;
const takenOver = { endpoint: two, how: "takeover" } as const;

type Step = (before: ActiveOcsListener, next: ActiveOcsListener) => void;
const lost: Step = (before) => before.onActiveChange(undefined);
const inForce: Step = (_, next) => next.open();
const foundAgain: Step = (before) => before.onActiveChange(reconnected);
const foundByNext: Step = (_, next) => next.onActiveChange(started);
const CASES: readonly [what: string, steps: readonly Step[], verdict: string][] = [
  ["still the tenant's own if no connection was lost", [inForce, foundByNext], "its own"],
  ["still the tenant's own if the new switchboard finds OCS before it is in force", [foundByNext, inForce], "its own"],
  [
    "unconfirmed if the old switchboard lost OCS, found it again and was then replaced",
    [lost, foundAgain, inForce, foundByNext],
    "unconfirmed",
  ],
  [
    "unconfirmed if the old switchboard lost OCS, was replaced and then found it again",
    [lost, inForce, foundAgain, foundByNext],
    "unconfirmed",
  ],
  [
    "unconfirmed if the old switchboard was replaced, then lost OCS and found it again",
    [inForce, lost, foundAgain, foundByNext],
    "unconfirmed",
  ],
  [
    "still the tenant's own if the old switchboard lost OCS after the new one had found it",
    [inForce, foundByNext, lost, foundAgain],
    "its own",
  ],
  [
    "unconfirmed if the new switchboard reconnects to OCS",
    [lost, inForce, (_, next) => next.onActiveChange(reconnected)],
    "unconfirmed",
  ],
  [
    "ended with its epoch if the old switchboard found the peer",
    [
      lost,
      inForce,
      (before) => before.onActiveChange(takenOver),
      (_, next) => next.onActiveChange({ endpoint: two, how: "start" }),
    ],
    "epoch-ended",
  ],
];

describe("after a reload that replaces the switchboard, a record handle is", () => {
  it.each(CASES)("%s", async (_what, steps, verdict) => {
    const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined });
    open.push(ownership);
    const announcers = new Map<string, ActiveSource>();
    const way = { upstream: "ocs", origins: [one, two] };
    const before = activeOcsListenerFor(ownership, announcers, way);
    before.open();
    before.onActiveChange(started);
    const said = { campaign: null, group: null, list: null, phone: null, attempt: "first" };
    await ownership.announce({ upstream: "ocs", handle: 15, tenant: 101, ...said });
    const next = activeOcsListenerFor(ownership, announcers, way);
    for (const step of steps) step(before, next);
    const asked = ownership.requestLease(aTenant({ records: "pre-dial" }), "15", false);
    const found = "lease" in asked ? "its own" : "unclear" in asked ? asked.unclear : asked.denied.why;
    expect(found).toBe(verdict);
  });
});
