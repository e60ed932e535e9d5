import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gaugeOpenDoNotCalls, type OpenDoNotCallsGauge } from "../../../../src/app/wiring/journal/open-dnc-gauge.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";
import { type Journal } from "../../../../src/journal/journal.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import type { Entry } from "../../../../src/journal/entry.ts";
import { SearchIndex } from "../../../../src/journal/search/index/search-index.ts";
import { OpenDoNotCalls } from "../../../../src/journal/open-dnc/open-dnc-counter.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../../../journal/kit.ts";

let dir: string;
let journal: Journal;
let gauge: OpenDoNotCallsGauge;
const stops: ShutdownSteps = [];

const append = async (...entries: readonly Entry[]): Promise<void> => {
  for (const entry of entries) await journal.append(entry);
};
const phone = (digit: string) => ({ tokens: { phone: `t1:${digit.repeat(64)}` } });

/**
 * A journal of an earlier run with one open Do-Not-Call, and the gauge of this run, which keeps at most `most` in
 * memory.
 */
const open = async (most?: number): Promise<void> => {
  dir = await aDirectory();
  journal = await openJournal({ dir, durability: "os" });
  await append(...aDoNotCall(1, { ...phone("a"), status: 500 }));
  await journal.close();
  const counter = new OpenDoNotCalls(most);
  // The test sets the time below, which must not look like a clock that jumped.
  const now = Date.now() * 1000;
  journal = await openJournal({
    dir,
    durability: "os",
    written: counter.take,
    clocks: { wall: () => now, steady: () => 0 },
  });
  gauge = gaugeOpenDoNotCalls({ journal, counter }, stops);
};

/** Number of entries in the index. */
const indexed = (): number => {
  const index = new SearchIndex(dir);
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
  await runShutdown(stops);
  await journal.close();
  await removeDirectory(dir);
});

const sumOf = (counts: ReturnType<OpenDoNotCallsGauge["read"]>): number | undefined =>
  counts?.reduce((sum, { open: each }) => sum + each, 0);

const until = async (count: number | undefined): Promise<void> => {
  while (sumOf(gauge.read()) !== count) await new Promise(setImmediate);
};

describe("the number of open Do-Not-Calls for the metrics", () => {
  it("is read from the index once after the start, and never for a scrape", async () => {
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

  it("is read from the index at most once a minute while there are too many to keep", async () => {
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
