import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gaugeOpenDoNotCalls, type OpenDoNotCallsGauge } from "../../src/assemble/open-do-not-calls.ts";
import { undo, type Stops } from "../../src/assemble/stops.ts";
import { openJournal, type Journal } from "../../src/journal/append.ts";
import type { Entry } from "../../src/journal/entry.ts";
import { Index } from "../../src/journal/index.ts";
import { OpenDoNotCalls } from "../../src/journal/open-do-not-calls.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../journal/kit.ts";

let dir: string;
let journal: Journal;
let gauge: OpenDoNotCallsGauge;
const stops: Stops = [];

const append = async (...entries: readonly Entry[]): Promise<void> => {
  for (const entry of entries) await journal.append(entry);
};
const phone = (digit: string) => ({ tokens: { phone: `t1:${digit.repeat(64)}` } });

/** A journal of an earlier run that left one Do-Not-Call open, and the gauge of this run, with so many kept in memory. */
const open = async (most?: number): Promise<void> => {
  dir = await aDirectory();
  journal = await openJournal({ dir, durability: "os" });
  await append(...aDoNotCall(1, { ...phone("a"), status: 500 }));
  await journal.close();
  const counter = new OpenDoNotCalls(most);
  // The time is set by hand below, which must not be taken for a clock that was set.
  const now = Date.now() * 1000;
  journal = await openJournal({
    dir,
    durability: "os",
    written: counter.take,
    clocks: { wall: () => now, steady: () => 0 },
  });
  gauge = gaugeOpenDoNotCalls({ journal, counter }, stops);
};

/** Entries that the index knows. */
const indexed = (): number => {
  const index = new Index(dir);
  try {
    return index.size;
  } finally {
    index.close();
  }
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await undo(stops);
  await journal.close();
  await removeDirectory(dir);
});

const sumOf = (counts: ReturnType<OpenDoNotCallsGauge["read"]>): number | undefined =>
  counts?.reduce((sum, { open: each }) => sum + each, 0);

const until = async (count: number | undefined): Promise<void> => {
  while (sumOf(gauge.read()) !== count) await new Promise(setImmediate);
};

describe("the number of open Do-Not-Calls for the metrics", () => {
  it("asks the index once after the start, and never for a scrape", async () => {
    await open();
    gauge.start();
    expect([sumOf(gauge.read()), indexed()]).toEqual([undefined, 0]);
    vi.advanceTimersByTime(1000);
    await until(1);
    await append(
      ...aDoNotCall(2, { ...phone("b"), refused: "OCSGW-2103" }),
      ...aDoNotCall(3, { ...phone("c"), status: 410 }),
    );
    await until(3);
    vi.advanceTimersByTime(600_000);
    expect([sumOf(gauge.read()), indexed()]).toEqual([3, 2]);
  });

  it("asks the index at most once a minute while there are too many to keep", async () => {
    await open(1);
    gauge.start();
    vi.advanceTimersByTime(1000);
    await until(1);
    await append(...aDoNotCall(2, { ...phone("b"), status: 500 }), ...aDoNotCall(3, { ...phone("c"), status: 500 }));
    await until(undefined);
    vi.advanceTimersByTime(59_000);
    expect([sumOf(gauge.read()), indexed()]).toEqual([undefined, 2]);
    vi.advanceTimersByTime(1000);
    await until(3);
    await append(...aDoNotCall(4, phone("a")), ...aDoNotCall(5, phone("b")));
    vi.advanceTimersByTime(59_000);
    expect([sumOf(gauge.read()), indexed()]).toEqual([3, 6]);
    vi.advanceTimersByTime(1000);
    await until(1);
  });
});
