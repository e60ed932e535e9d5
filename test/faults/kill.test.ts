import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import type { Recorded } from "../../src/journal/entry.ts";
import { anIntent, anOutcome } from "../journal/kit.ts";
import type { Asked, Seen } from "./client.ts";
import { judge, startKilling } from "./kill.ts";

const ROUNDS = 30;

it("killed thirty times in mid-load: the journal agrees with clients and OCS, and says what is in doubt", async () => {
  const killing = await startKilling(20_261_126);
  try {
    let [requests, doubts] = [0, 0];
    for (let number = 1; number <= ROUNDS; number++) {
      const round = await killing.round();
      expect(round.violations, `round ${number}`).toEqual([]);
      requests += round.requests;
      doubts += round.doubts;
      if (number % 10 === 0) expect(await killing.judgeWhole(), `after round ${number}`).toEqual([]);
    }
    expect(requests).toBeGreaterThan(ROUNDS * 20);
    // Else no kill met a request under way, and nothing was tried.
    expect(doubts).toBeGreaterThan(ROUNDS);
  } finally {
    await killing.stop();
    await rm(killing.dir, { recursive: true, force: true });
  }
}, 180_000);

it("the judge sees a lost acknowledgement, a missing intent, an open intent and a hole", () => {
  const seen: Seen = {
    at: 1,
    status: 200,
    id: anIntent(0).id,
    origin: "ocs",
    delivery: "answered",
    warning: undefined,
    code: undefined,
    body: "",
  };
  const asked: Asked[] = [
    { marker: "m", tenant: 101, group: undefined, connection: 1, issued: 0, hungUp: false, seen },
  ];
  const received = [
    {
      at: 0,
      marker: "m",
      upstream: "shared",
      endpoint: "e",
      connection: 1,
      tenant: 101,
      ahead: 0,
      warning: "",
      executed: true,
    },
  ];
  const lines = [
    anIntent(0, { MARK: "m" }),
    anOutcome(anIntent(0).id),
    { kind: "start", version: "1", pid: 1 } as const,
  ];
  const entries: Recorded[] = lines.map((entry, index) => ({ ...entry, index, time: "" }));
  expect(judge({ asked, received, entries, from: 0 })).toEqual([]);
  const renumbered = (left: readonly Recorded[]): Recorded[] => left.map((entry, index) => ({ ...entry, index }));
  expect(judge({ asked, received, entries: renumbered(entries.toSpliced(0, 1)), from: 0 })).toEqual([
    expect.stringContaining("C1: m"),
    expect.stringContaining("C2: OCS received m"),
    expect.stringContaining("has no intent"),
  ]);
  expect(judge({ asked, received, entries: renumbered(entries.toSpliced(1, 1)), from: 0 })).toEqual([
    expect.stringContaining("C1: m"),
    expect.stringContaining("C3: the intent"),
  ]);
  expect(judge({ asked, received, entries, from: 1 })).toContainEqual(expect.stringContaining("C4: index 0"));
  expect(judge({ asked, received, entries: entries.slice(0, 2), from: 0 })).toEqual([expect.stringContaining("C5")]);
});
