import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal } from "../../../../src/journal/journal.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { createCheckpoints, type Checkpoints } from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import type { Deleted, Entry } from "../../../../src/journal/entry.ts";
import { OpenDoNotCalls } from "../../../../src/journal/open-dnc/open-dnc-counter.ts";
import { openDncOf } from "../../../../src/journal/search/open-dnc.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { finishDeleting, deleteExpired } from "../../../../src/journal/segments/retention/retention.ts";
import type { Hold, Keep } from "../../../../src/journal/segments/retention/due-segments.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import { verifyJournal } from "../../../../src/journal/verify/verify.ts";
import { audit } from "../../../../src/settings/schema/audit.ts";
import { ORIGIN, aDirectory, aDoNotCall, aKey, aRefusal, anIntent, removeDirectory, segmentsOf } from "../../kit.ts";
import { patternOf } from "../../../kit/pattern.ts";

const DAY = 86_400_000;
const START = Date.parse("2026-01-01T12:00:00Z");
const key = aKey();
let dir: string;
let journal: Journal;
let checkpoints: Checkpoints;
let today: number;
let counter: OpenDoNotCalls;

const open = async (): Promise<void> => {
  counter = new OpenDoNotCalls();
  journal = await openJournal({
    dir,
    durability: "os",
    written: counter.take,
    clocks: { wall: () => today * 1000, steady: () => today * 1000 },
  });
  checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000 });
  const search = new JournalSearch(dir);
  await search.refresh();
  await counter.start(await search.openDncSnapshot(100));
  search.close();
};
const close = async (): Promise<void> => {
  await checkpoints.stop();
  await journal.close();
};

/**
 * Two intents of tenant 101 a day for ten days, so ten segments, each of two lines; and on the first day one of tenant
 * 102.
 */
beforeEach(async () => {
  dir = await aDirectory();
  today = START;
  await open();
  await journal.append({ ...anIntent(900), tenant: { dbid: 102, name: "Beta" } } as Entry);
  for (let day = 0; day < 10; day++, today += DAY)
    for (let number = 0; number < 2; number++) await journal.append(anIntent(10 * day + number));
  today -= DAY;
});
afterEach(async () => {
  await journal.close();
  await removeDirectory(dir);
});

const retiring = (keep: Keep, holds: readonly Hold[] = []): Promise<Deleted | undefined> =>
  deleteExpired({ journal, checkpoints, keep, holds, openDoNotCalls: counter, now: () => today });
const verified = async (): Promise<unknown> => verifyJournal(dir, { vkey: checkpoints.verifierKey });

describe("the retention times of the config", () => {
  it.each([
    [
      { default: "10d", doubt: "20d", retired: "30d" },
      { default: 10 * DAY, "in-doubt": 20 * DAY, deleted: 30 * DAY },
    ],
    [
      { default: "10d", "in-doubt": "20d", deleted: "30d" },
      { default: 10 * DAY, "in-doubt": 20 * DAY, deleted: 30 * DAY },
    ],
    ["10d", { default: 10 * DAY }],
  ])("%o accept a kind by its current name or its former one", (given, times) => {
    expect(audit.shape.retention.parse(given)).toEqual(times);
  });

  it.each([
    { doubt: "20d", "in-doubt": "20d" },
    { retired: "20d", deleted: "20d" },
  ])("%o do not accept a kind by both names", (kinds) => {
    const refused = audit.shape.retention.safeParse({ default: "10d", ...kinds });
    expect(JSON.stringify(refused.error?.issues)).toContain("its former name");
  });
});

describe("retention", () => {
  it("deletes segments whose entries are all old enough, after an entry about them; the rest verifies", async () => {
    const retired = await retiring({ default: 4 * DAY });
    expect(retired).toEqual({
      kind: "deleted",
      from: 0,
      to: 11,
      segments: [
        "000000000000.jsonl",
        "000000000003.jsonl",
        "000000000005.jsonl",
        "000000000007.jsonl",
        "000000000009.jsonl",
      ],
      youngest: "2026-01-05T12:00:00.000000Z",
      dnc: { 101: 10, 102: 1 },
    });
    expect((await segmentsOf(dir))[0]).toBe("000000000011.jsonl");
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], retired: 11, entries: 22 });
    await open();
    await journal.append(anIntent(800));
    await journal.append({ ...anIntent(801), tenant: { dbid: 102, name: "Beta" } } as Entry);
    const entries = await Array.fromAsync(readEntries(dir));
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 13 }, (_, at) => 11 + at));
    expect(entries.slice(-2)).toMatchObject([{ dnc: 21 }, { dnc: 2 }]);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [] });
  });

  it.each([
    ["in the next run", true],
    ["in the same run", false],
  ])("continues where it ended, %s, and its entry states all deletions so far", async (_when, restarts) => {
    await retiring({ default: 6 * DAY });
    if (restarts) await close();
    today += 2 * DAY;
    if (restarts) await open();
    const again = await retiring({ default: 6 * DAY });
    expect(again).toMatchObject({ from: 7, to: 11, dnc: { 101: 10, 102: 1 } });
    await journal.append({ ...anIntent(801), tenant: { dbid: 102, name: "Beta" } } as Entry);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], retired: 11 });
  });

  it("carries on what is open in the deleted segments, once per subject and scope, until OCS accepts it", async () => {
    await close();
    await removeDirectory(dir);
    today = START;
    await open();
    const phone = {
      tokens: { phone: `t1:${"a".repeat(64)}` },
      upstream: "sales",
      body: { GSW_CAMPAIGN_NAME: "One", GSW_CHAIN_ATTR: "AllChain", TEXT: "more" },
    };
    const append = async (...entries: readonly Entry[]): Promise<void> => {
      for (const entry of entries) await journal.append(entry);
    };
    await append(...aDoNotCall(1, { ...phone, status: 500 }));
    today += DAY;
    await append(
      ...aDoNotCall(2, { ...phone, client: "alpha-ors", status: 410 }),
      ...aDoNotCall(3, { tokens: { phone: `t1:${"b".repeat(64)}` } }),
    );
    today += 10 * DAY;
    await append(aRefusal(4));
    expect((await retiring({ default: 4 * DAY }))?.to).toBe(2);
    const carried = (await Array.fromAsync(readEntries(dir))).filter(({ kind }) => kind === "open-dnc");
    expect(carried).toMatchObject([
      {
        id: anIntent(2).id,
        tenant: { dbid: 101, name: "Alpha Tenant" },
        client: "alpha-crm",
        resource: "phones",
        identifier: "······0100",
        tokens: phone.tokens,
        upstream: "sales",
        body: { GSW_CAMPAIGN_NAME: "One", GSW_CHAIN_ATTR: "AllChain" },
        state: "ocs-no",
        status: 410,
        tries: 2,
        clients: ["alpha-crm", "alpha-ors"],
        first: "2026-01-01T12:00:00.000000Z",
        last: "2026-01-02T12:00:00.000000Z",
      },
    ]);
    expect(JSON.stringify(carried)).not.toContain("more");
    // Again when the segment that carries it goes, and after an opening that builds the index anew.
    today += 20 * DAY;
    await append(aRefusal(5));
    today += 20 * DAY;
    await append(aRefusal(8));
    expect((await retiring({ default: 4 * DAY }))!.to).toBeGreaterThan(carried[0]!.index);
    await close();
    await rm(join(dir, "index.sqlite"), { force: true });
    await open();
    const search = new JournalSearch(dir);
    await search.refresh();
    expect(openDncOf(await search.openDnc(), today)).toMatchObject([
      {
        tries: 2,
        first: "2026-01-01T12:00:00.000000Z",
        age: 51 * DAY,
        ended: "ocs-no 410",
        id: anIntent(2).id,
        tenant: "Alpha Tenant",
        campaign: "One",
        chain: "AllChain",
      },
    ]);
    expect(counter.tenants).toMatchObject([{ tenant: "Alpha Tenant", open: 1, oldest: START * 1000 }]);
    await append(...aDoNotCall(6, { ...phone, body: {}, status: 200 }));
    expect(counter.count).toBe(1);
    await append(...aDoNotCall(7, { ...phone, body: { GSW_CHAIN_ATTR: "AllChain" } }));
    await search.refresh();
    expect([counter.count, await search.openDnc()]).toEqual([0, []]);
    search.close();
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [] });
    await open();
  });

  it("deletes nothing while the open Do-Not-Calls are unknown", async () => {
    const before = await segmentsOf(dir);
    counter = new OpenDoNotCalls();
    await expect(retiring({ default: 4 * DAY })).rejects.toThrow("not known yet which Do-Not-Calls are open");
    expect(await segmentsOf(dir)).toEqual(before);
  });

  it("deletes no more than requested, but at least one segment", async () => {
    const limited = (most: number) =>
      deleteExpired({
        journal,
        checkpoints,
        keep: { default: 4 * DAY },
        holds: [],
        openDoNotCalls: counter,
        most,
        now: () => today,
      });
    expect((await limited(0))?.segments).toHaveLength(1);
    expect((await limited(2 * DAY))?.segments).toHaveLength(2);
    expect((await limited(100 * DAY))?.segments).toHaveLength(2);
  });

  it("keeps the segment that is being written, and segments that are not due", async () => {
    expect(await retiring({ default: 400 * DAY })).toBeUndefined();
    today += 1000 * DAY;
    await retiring({ default: DAY });
    expect(await segmentsOf(dir)).toHaveLength(2);
  });

  it("applies a time per kind: a segment stays for the longest one", async () => {
    const before = await segmentsOf(dir);
    expect(await retiring({ default: DAY, intent: 400 * DAY })).toBeUndefined();
    expect(await segmentsOf(dir)).toEqual(before);
    expect(await retiring({ default: 400 * DAY, intent: 7 * DAY })).toMatchObject({ to: 5 });
  });

  it.each<[string, Hold, number | undefined]>([
    ["the first day", { name: "a case", from: START - DAY, until: START + 1000 }, undefined],
    [
      "a later day, with the segment before it and all later ones",
      { name: "a case", from: START + 2 * DAY, until: START + 3 * DAY },
      3,
    ],
    ["nothing if those days are deleted already", { name: "a case", from: 0, until: START - DAY }, 11],
  ])("keeps what a legal hold covers: %s", async (_what, hold, to) => {
    expect((await retiring({ default: 4 * DAY }, [hold]))?.to).toBe(to);
  });

  it("does not delete recent entries that a wrong clock dated long ago", async () => {
    await close();
    await removeDirectory(dir);
    today = 1000;
    await open();
    await journal.append(anIntent(0));
    today = START;
    await journal.append(aRefusal(1));
    await journal.append(anIntent(2));
    expect(await segmentsOf(dir)).toHaveLength(2);
    expect(await retiring({ default: 4 * DAY })).toBeUndefined();
  });

  it("deletes no segment that differs from its leaf hashes", async () => {
    const path = join(dir, "segments/000000000000.jsonl");
    await writeFile(path, (await readFile(path, "utf8")).replace("alpha-crm", "alpha-crl"));
    await checkpoints.write();
    await expect(retiring({ default: 4 * DAY })).rejects.toThrow(
      "line 1 of 000000000000.jsonl does not match its leaf hash",
    );
    expect(await segmentsOf(dir)).toHaveLength(10);
  });

  it("deletes due segments before a damaged one, and reports the damage at the next run", async () => {
    const path = join(dir, "segments/000000000005.jsonl");
    await writeFile(path, (await readFile(path, "utf8")).replace("alpha-crm", "alpha-crl"));
    await checkpoints.write();
    expect(await retiring({ default: 4 * DAY })).toMatchObject({ from: 0, to: 5 });
    await expect(retiring({ default: 4 * DAY })).rejects.toThrow(
      patternOf(
        /line 1 of 000000000005\.jsonl does not match its leaf hash, /,
        /so this segment and all later ones are kept.*ocsgw audit set-aside/,
      ),
    );
    expect((await segmentsOf(dir))[0]).toBe("000000000005.jsonl");
  });

  it.each([
    ["without a legal hold", undefined, 11],
    ["except what a newer legal hold covers: its days", { from: START + 4.2 * DAY, until: START + 4.5 * DAY }, 9],
    ["although a legal hold covers later days", { from: START + 9 * DAY, until: START + 10 * DAY }, 11],
  ])("is completed at the next start after a crash before the deletion, %s", async (_which, hold, oldest) => {
    const path = join(dir, "segments/000000000009.jsonl");
    await copyFile(path, `${path}.kept`);
    await retiring({ default: 4 * DAY });
    await close();
    await copyFile(`${path}.kept`, path);
    await rm(`${path}.kept`);
    await open();
    const holds = hold ? [{ name: "a case", ...hold }] : [];
    await finishDeleting(journal, holds);
    expect(Number.parseInt((await segmentsOf(dir))[0]!, 10)).toBe(oldest);
    expect(await retiring({ default: 4 * DAY }, holds)).toBeUndefined();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [] });
    await retiring({ default: 4 * DAY });
    expect((await segmentsOf(dir))[0]).toBe("000000000011.jsonl");
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [] });
    const { size } = journal.status();
    await close();
    await open();
    expect(journal.status().size).toBe(size);
  });
});

describe("a journal whose oldest segments are missing", () => {
  it("is not opened if no entry says that they were deleted", async () => {
    await close();
    await rm(join(dir, "segments/000000000000.jsonl"));
    await expect(open()).rejects.toThrow(
      "000000000003.jsonl: the entries before it are missing, and no entry says that they were deleted",
    );
  });

  it("is not opened without their leaf hashes, or with others", async () => {
    await retiring({ default: 4 * DAY });
    await close();
    const hashes = join(dir, "segments/000000000003.hashes");
    const bytes = await readFile(hashes);
    await writeFile(hashes, Buffer.from(bytes).fill(0, 0, 4));
    await expect(open()).rejects.toThrow(/do not have the root that checkpoint \d+ signed/);
    await rm(hashes);
    await expect(open()).rejects.toThrow("000000000011.jsonl: the journal before it ends with index 2");
  });
});
