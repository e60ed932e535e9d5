/**
 * What a damaged segment's surroundings tell of it when they are damaged too, and what a line that was changed says of
 * what is set aside.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type JournalOptions } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { compressSegments } from "../../../src/journal/segments/compress.ts";
import { OpenDoNotCalls } from "../../../src/journal/open-dnc/open-dnc-counter.ts";
import { deleteExpired } from "../../../src/journal/segments/retention/retention.ts";
import { setAside } from "../../../src/journal/segments/set-aside.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import { ORIGIN, aDoNotCall, aKey, aQuickDirectory, removeDirectory, type Opened } from "../kit.ts";

const signer = { key: aKey(), origin: ORIGIN };
const DAY = 86_400_000;
const [FIRST, SECOND, THIRD] = [0, 4, 8] as const;
const NOON = (day: number): string => `2026-01-0${day}T12:00:00.000000Z`;
let dir: string;
let today: number;
let opened: Opened | undefined;

const open = async (options: Partial<JournalOptions> = {}): Promise<Opened> => {
  const journal = await openJournal({
    dir,
    durability: "flush",
    states: signer,
    clocks: { wall: () => today * 1000, steady: () => today * 1000 },
    ...options,
  });
  const checkpoints = await createCheckpoints(journal, { ...signer, everyMs: 3_600_000 });
  return (opened = {
    journal,
    checkpoints,
    close: async () => {
      await checkpoints.stop();
      await journal.close();
    },
  });
};
const close = async (): Promise<void> => {
  await opened?.close();
  opened = undefined;
};
/** Four days, each a segment of four entries that are dated at noon. */
beforeEach(async () => {
  dir = await aQuickDirectory();
  today = Date.parse("2026-01-01T12:00:00Z");
  const { journal, checkpoints } = await open();
  for (let day = 0; day < 4; day++, today += DAY) {
    for (const number of [2 * day, 2 * day + 1])
      for (const entry of aDoNotCall(number, { upstream: "ocs-main" })) await journal.append(entry);
    await checkpoints.write();
  }
  today -= DAY;
  await close();
});
afterEach(async () => {
  await close().catch(() => undefined);
  await removeDirectory(dir);
});
const at = (first: number, ending = ".jsonl"): string =>
  join(dir, "segments", `${String(first).padStart(12, "0")}${ending}`);
const put = (gateway: Opened, first: number) =>
  setAside(
    { ...gateway, signer, openDoNotCalls: new OpenDoNotCalls(), by: { user: "dana", purpose: "disk of gw-a" } },
    first,
  );
const redate = async (first: number, year: string): Promise<void> =>
  writeFile(at(first), (await readFile(at(first), "utf8")).replaceAll('"time":"2026', `"time":"${year}`));

describe("the time of a segment that is set aside", () => {
  it.each([
    ["intact neighbors", [], [NOON(1), NOON(3)]],
    ["later neighbors if the next line has a changed, earlier date", [[THIRD, "2020"]], [NOON(1), NOON(4)]],
    ["the next line if the previous one has a changed, later date", [[FIRST, "2029"]], [null, NOON(3)]],
  ] as const)("is taken from %s", async (_what, changed, [oldest, youngest]) => {
    await writeFile(at(SECOND), "");
    for (const [first, year] of changed) await redate(first, year);
    const { entry } = await put(await open({ damaged: [SECOND] }), SECOND);
    expect([entry.oldest, entry.youngest]).toEqual([oldest, youngest]);
  });
});

describe("two damaged segments without a usable start state", () => {
  it.each<[string, () => Promise<void>]>([
    [
      "changed lines",
      async () => {
        for (const first of [SECOND, THIRD]) await redate(first, "2020");
      },
    ],
    [
      "missing files",
      async () => {
        for (const first of [SECOND, THIRD]) await rm(at(first));
      },
    ],
    [
      "the first two, one missing and one empty",
      async () => {
        await rm(at(FIRST));
        await writeFile(at(SECOND), "");
      },
    ],
  ])("can be set aside together: %s", async (what, damage) => {
    await damage();
    await rm(join(dir, "states"), { recursive: true });
    const both = what.startsWith("the first") ? [FIRST, SECOND] : [SECOND, THIRD];
    await expect(open({ damaged: both.slice(0, 1) })).rejects.toThrow();
    const gateway = await open({ damaged: both });
    for (const first of both) await put(gateway, first);
    await close();
    await rm(join(dir, "states"), { recursive: true });
    expect((await open()).journal.setAsideRanges().map(({ from }) => from)).toEqual(both);
    expect(
      await verifyJournal(dir, { vkey: (await readFile(join(dir, "checkpoint.pub"), "utf8")).trim() }),
    ).toMatchObject({ verdict: "cannot-tell", findings: [] });
  });
});

it("retention keeps a segment of unknown age until its set-aside entry is old, whatever dates follow", async () => {
  const { journal, checkpoints } = await open();
  await mkdir(join(dir, "set-aside"));
  await rename(at(FIRST), join(dir, "set-aside", "000000000000.jsonl"));
  const sound = await readFile(at(SECOND));
  await redate(SECOND, "2020");
  await journal.append({
    kind: "set-aside",
    from: FIRST,
    to: SECOND,
    files: [],
    damage: "",
    intact: 0,
    oldest: null,
    youngest: null,
    lost: 0,
    user: "dana",
    before: [],
  });
  await checkpoints.write();
  const openDoNotCalls = new OpenDoNotCalls();
  openDoNotCalls.restore({ size: 0, open: [], under_way: [] });
  const retiring = () =>
    deleteExpired({ journal, checkpoints, keep: { default: 30 * DAY }, holds: [], openDoNotCalls, now: () => today });
  today += 29 * DAY;
  expect(await retiring()).toBeUndefined();
  await writeFile(at(SECOND), sound);
  expect(await retiring()).toBeUndefined();
  today += 2 * DAY;
  expect(await retiring()).toMatchObject({ from: FIRST });
});

it("a segment with an intact plain file is not set aside because of its damaged compressed file", async () => {
  await cp(at(SECOND), join(dir, "copy"));
  const { journal } = await open();
  await compressSegments({ journal, after: 0, now: () => today + DAY });
  await close();
  await cp(join(dir, "copy"), at(SECOND));
  const packed = await readFile(at(SECOND, ".jsonl.zst"));
  packed[60]! ^= 1;
  await writeFile(at(SECOND, ".jsonl.zst"), packed);
  const gateway = await open({ damaged: [SECOND] });
  await expect(put(gateway, SECOND)).rejects.toMatchObject({
    name: "NotSetAside",
    kind: "refused",
    message: expect.stringMatching(
      /^000000000004\.jsonl is as it was signed, and only 000000000004\.jsonl\.zst/,
    ) as string,
  });
  await compressSegments({ journal: gateway.journal, after: 0, now: () => today + DAY });
  await close();
  expect(
    await verifyJournal(dir, { vkey: (await readFile(join(dir, "checkpoint.pub"), "utf8")).trim() }),
  ).toMatchObject({ verdict: "ok", findings: [] });
});

it.each(["{}", "null", "5", "[null]", '[{"from":"x","to":1,"by":0}]', '"abc"', '[{"from":0,"to":4}]', "[]"])(
  "a line that was changed into a set-aside entry with the list %s is reported as changed and explains nothing",
  async (before) => {
    const lines = (await readFile(at(SECOND), "utf8")).split("\n");
    const start = /^\{"index":\d+,"time":"[^"]+",/.exec(lines[0]!)![0];
    lines[0] = `${start}"kind":"set-aside","from":0,"to":4,"before":${before}}`;
    await writeFile(at(SECOND), lines.join("\n"));
    const { verdict, findings } = await verifyJournal(dir, {
      vkey: (await readFile(join(dir, "checkpoint.pub"), "utf8")).trim(),
    });
    expect([verdict, findings.map(({ text }) => text)]).toEqual([
      "broken",
      [expect.stringContaining("line 1 of 000000000004.jsonl (index 4) was changed")],
    ]);
  },
);
