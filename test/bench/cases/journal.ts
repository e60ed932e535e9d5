/** The journal's readers: first pages of a search in many entries, and the memory of a verification. */
import { join } from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { openJournal } from "../../../src/journal/append.ts";
import { createCheckpoints } from "../../../src/journal/checkpoint.ts";
import type { Searched } from "../programs/search-journal.ts";
import { atMost, type Section } from "../report.ts";
import { messageFrom, start } from "../rig/processes.ts";
import { program } from "../rig/rig.ts";
import { entriesOf, idOf, tokenOf, writeSyntheticJournal } from "../rig/synthetic-journal.ts";
import type { Case } from "./case.ts";

const MIB = 2 ** 20;
const PHONES = 1_000_000;
const VERIFIED = 1_000_000;
const LONGEST_MS = 3_600_000;
const AT_ONCE = 5000;

/** What is there often, seldom and never; by what the index knows, by what it must go through, and mixed. */
const FILTERS = [
  "", "status:>=400", "tenant:\"Tenant 105\" -action:DoNotCall", "is:no-answer", `phone:${tokenOf(123)}`, `id:${idOf(777)}`, "record:15", "code:OCSGW-2103 client:client-1*", "time:2026-11-02", "queue:>99ms tenant:107", "queue:>1h", "source:10.9.9.9",
  "campaign:none", "(queue:>1h OR id:ZZZZZZ)", "is:in-doubt",
];

export const journal: Case = {
  name: "journal",
  run: async (rig, { entries }) => {
    const dir = join(rig.dir, "many");
    writeSyntheticJournal(dir, entries, PHONES);
    const searched = await ask<Searched>("search-journal", dir, JSON.stringify(FILTERS));
    const size = Math.min(VERIFIED, entries);
    const verified = await verify(join(rig.dir, "signed"), size);
    return section(entries, searched, { ...verified, size });
  },
};

const ask = async <Told>(name: string, ...args: readonly string[]): Promise<Told> => {
  const child = start({ command: process.execPath, args: [program(name), ...args], core: undefined, ipc: true });
  const told = await messageFrom<Told>(child, LONGEST_MS);
  await child.stop();
  return told;
};

type Verified = { readonly verdict: string; readonly entries: number; readonly ms: number; readonly rss: number };

const verify = async (dir: string, size: number): Promise<Verified> => {
  const log = await openJournal({ dir, durability: "os" });
  for (let request = 0, written = 0; written < size; request += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, at) => entriesOf(request + at, PHONES)).flat().slice(0, size - written);
    written += batch.length;
    await Promise.all(batch.map(log.append));
  }
  await (await createCheckpoints(log, { key: generateKeyPairSync("ed25519").privateKey, origin: "bench.example/journal", everyMs: LONGEST_MS })).stop();
  await log.close();
  const told = await ask<Verified>("verify-journal", dir);
  if (told.verdict !== "ok" || told.entries !== size) throw new Error(`verified as ${told.verdict}, ${told.entries} of ${size} entries`);
  return told;
};

const section = (entries: number, { indexed, pages }: Searched, { ms, rss, size }: Verified & { readonly size: number }): Section => ({
  title: `The journal's readers: ${entries} entries searched, ${size} verified`,
  columns: ["what", "found", "ms"],
  rows: [
    ...pages.map(([filter, found, took]) => [`first page of ${filter === "" ? "everything" : filter.slice(0, 60)}`, found, took] as const),
    ["index made from nothing, entries per second", entries, entries / (indexed / 1000)],
    ["verify, entries per second", size, size / (ms / 1000)],
    ["verify, largest resident memory in MiB", size, rss / MIB],
  ],
  goals: [
    atMost(`slowest first page of ${pages.length} filters, seconds`, Math.max(...pages.map(([, , took]) => took)) / 1000, 1),
    atMost(`resident memory of a verification of ${size} entries, MiB`, rss / MIB, 256),
  ],
  notes: ["A page is 50 requests. Pages are asked in a process that has not searched before; the file system has the files in memory."],
});
