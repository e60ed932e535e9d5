/**
 * The journal's readers: first pages of a search in many entries, the memory of a verification, a bundle by age of the
 * journal, and its bytes on disk.
 */
import { join } from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import type { Bundled } from "../programs/bundle-journal.ts";
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
/** So many times as many entries has the larger of two journals of which a bundle is made. */
const OLDER = 20;
const PERSON = `phone:${tokenOf(123)}`;
/** Entries of a request: all but a few have an intent and an outcome. */
const PER_REQUEST = 1.98;

/** What is there often, seldom and never; by what the index knows, by what it must go through, and mixed. */
const FILTERS = [
  "",
  "status:>=400",
  'tenant:"Tenant 105" -action:DoNotCall',
  "is:no-answer",
  `phone:${tokenOf(123)}`,
  `id:${idOf(777)}`,
  "record:15",
  "code:OCSGW-2103 client:client-1*",
  "time:2026-11-02",
  "queue:>99ms tenant:107",
  "queue:>1h",
  "source:10.9.9.9",
  "campaign:none",
  "(queue:>1h OR id:ZZZZZZ)",
  "is:in-doubt",
];

export const journal: Case = {
  name: "journal",
  run: async (rig, { entries }) => {
    const dir = join(rig.dir, "many");
    writeSyntheticJournal(dir, entries, PHONES);
    const searched = await ask<Searched>("search-journal", dir, JSON.stringify(FILTERS));
    const size = Math.min(VERIFIED, entries);
    const verified = await verify(join(rig.dir, "signed"), size);
    const large = await ask<Bundled>("bundle-journal", join(rig.dir, "signed"), PERSON);
    const small = Math.ceil(size / OLDER);
    await verify(join(rig.dir, "young"), small);
    const young = await ask<Bundled>("bundle-journal", join(rig.dir, "young"), PERSON);
    return section(entries, searched, { ...verified, size }, { small, young, large });
  },
};

const ask = async <Answer>(name: string, ...args: readonly string[]): Promise<Answer> => {
  const child = start({ command: process.execPath, args: [program(name), ...args], core: undefined, ipc: true });
  const answer = await messageFrom<Answer>(child, LONGEST_MS);
  await child.stop();
  return answer;
};

type Verified = { readonly verdict: string; readonly entries: number; readonly ms: number; readonly rss: number };

const verify = async (dir: string, size: number): Promise<Verified> => {
  const log = await openJournal({ dir, durability: "os" });
  for (let request = 0, written = 0; written < size; request += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, at) => entriesOf(request + at, PHONES))
      .flat()
      .slice(0, size - written);
    written += batch.length;
    await Promise.all(batch.map(log.append));
  }
  await (
    await createCheckpoints(log, {
      key: generateKeyPairSync("ed25519").privateKey,
      origin: "bench.example/journal",
      everyMs: LONGEST_MS,
    })
  ).stop();
  await log.close();
  const verified = await ask<Verified>("verify-journal", dir);
  if (verified.verdict !== "ok" || verified.entries !== size)
    throw new Error(`verified as ${verified.verdict}, ${verified.entries} of ${size} entries`);
  return verified;
};

type Bundles = { readonly small: number; readonly young: Bundled; readonly large: Bundled };

const section = (
  entries: number,
  { indexed, pages }: Searched,
  { ms, rss, size }: Verified & { readonly size: number },
  { small, young, large }: Bundles,
): Section => ({
  title: `The journal's readers: ${entries} entries searched, ${size} verified`,
  columns: ["what", "found", "ms"],
  rows: [
    ...pages.map(
      ([filter, found, took]) =>
        [`first page of ${filter === "" ? "everything" : filter.slice(0, 60)}`, found, took] as const,
    ),
    ["index made from nothing, entries per second", entries, entries / (indexed / 1000)],
    ["verify, entries per second", size, size / (ms / 1000)],
    ["verify, largest resident memory in MiB", size, rss / MIB],
    [`bundle of one person, ${small} entries, plain`, young.entries, young.plainMs],
    [`bundle of one person, ${size} entries, plain`, large.entries, large.plainMs],
    [`bundle of one person, ${small} entries, compressed`, young.entries, young.compressedMs],
    [`bundle of one person, ${size} entries, compressed`, large.entries, large.compressedMs],
    ["MB per million requests: lines, plain", size, perMillion(large.lines, size)],
    ["MB per million requests: lines, compressed", size, perMillion(large.lines * large.packed, size)],
    ["MB per million requests: hashes and tiles", size, perMillion(large.hashes, size)],
    ["MB per million requests: index", size, perMillion(large.index, size)],
  ],
  goals: [
    atMost(
      `slowest first page of ${pages.length} filters, seconds`,
      Math.max(...pages.map(([, , took]) => took)) / 1000,
      1,
    ),
    atMost(`bundle of one person, ${size} to ${small} entries, ratio`, large.compressedMs / young.compressedMs, 1.5),
    atMost("lines compressed to plain, ratio", large.packed, 1 / 7),
    atMost(`resident memory of a verification of ${size} entries, MiB`, rss / MIB, 256),
  ],
  notes: [
    "A page is 50 requests. Pages are asked in a process that has not searched before; the file system has the files " +
      "in memory.",
  ],
});

const perMillion = (bytes: number, entries: number): number => (bytes / entries) * PER_REQUEST;
