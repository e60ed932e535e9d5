/**
 * Does reading get dearer with the journal's age? Journals of several sizes, sealed, indexed and compressed, as an
 * auditor reads them.
 */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { verifierKey } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { paths } from "../../../src/journal/paths.ts";
import type { Prepared, Read } from "../programs/read-journal.ts";
import { atMost, type Section } from "../report.ts";
import { messageFrom, start } from "../rig/processes.ts";
import { program } from "../rig/rig.ts";
import { writeSignedJournal } from "../rig/signed-journal.ts";
import { idOf, tokenOf } from "../rig/synthetic-journal.ts";
import type { Case } from "./case.ts";

const MIB = 2 ** 20;
const MB = 1e6;
/** More than there are requests: the person that is looked for has one, however large the journal is. */
const PHONES = 100_000_000;
const LONGEST_MS = 7_200_000;
/** Fewer make no sealed segment. */
const LEAST = 400_000;
/** Entries of a request: all but a few have an intent and an outcome. */
const PER_REQUEST = 1.98;
const PERSON = `phone:${tokenOf(123)}`;

/** What is there often, seldom and never, by every sort of column. */
const FILTERS = [
  "",
  "status:>=400",
  'tenant:"Tenant 105" -action:DoNotCall',
  "is:no-answer",
  PERSON,
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

type Measured = { readonly entries: number; readonly prepared: Prepared; readonly read: Read };

export const segments: Case = {
  name: "segments",
  run: async (rig, { started }) => {
    const found: Measured[] = [];
    for (const wanted of started.filter((entries) => entries >= LEAST)) {
      const dir = join(rig.dir, `segments-${wanted}`);
      const signer = { key: generateKeyPairSync("ed25519").privateKey, origin: "bench.example/journal" };
      const entries = writeSignedJournal(dir, wanted, PHONES, signer);
      writeFileSync(paths(dir).verifierKeys, `${verifierKey(signer.origin, signer.key)}\n`);
      const prepared = await ask<Prepared>("prepare", dir);
      found.push({ entries, prepared, read: await ask<Read>("read", dir) });
    }
    return section(found);
  },
};

const ask = async <Answer>(what: string, dir: string): Promise<Answer> => {
  const child = start({
    command: process.execPath,
    args: [program("read-journal"), what, dir, PERSON, JSON.stringify(FILTERS)],
    core: undefined,
    ipc: true,
  });
  const answer = await messageFrom<Answer>(child, LONGEST_MS);
  await child.stop();
  return answer;
};

const perMillion = (bytes: number, entries: number): number => (bytes / MB / entries) * 1e6 * PER_REQUEST;

const section = (found: readonly Measured[]): Section => {
  const [first, last] = [found[0]!, found.at(-1)!];
  const row = (what: string, of: (measured: Measured) => number): readonly [string, ...number[]] => [
    what,
    ...found.map(of),
  ];
  const ratio = (of: (read: Read) => number): number => of(last.read) / of(first.read);
  const all = ({ pages }: Read): number => pages.reduce((sum, ms) => sum + ms, 0);
  const disk = ({ prepared: { lines, hashes, index }, entries }: Measured): number =>
    perMillion(lines + hashes + index, entries);
  const sizes = `${last.entries} to ${first.entries} entries, ratio`;
  return {
    title: `Reading by age of the journal: ${found.map(({ entries }) => entries).join(", ")} entries`,
    columns: ["what", ...found.map(({ entries }) => `${entries} entries`)],
    rows: [
      ...FILTERS.map((filter, at) =>
        row(`first page of ${filter === "" ? "everything" : filter.slice(0, 40)}, ms`, ({ read }) => read.pages[at]!),
      ),
      row(`first pages of all ${FILTERS.length} filters, ms`, ({ read }) => all(read)),
      row("look-up of a person, ms", ({ read }) => read.person),
      row("open Do-Not-Calls, ms", ({ read }) => read.open),
      row("bundle of one person, ms", ({ read }) => read.bundle),
      row("entries of that bundle", ({ read }) => read.entries),
      row("largest resident memory of the searches, MiB", ({ read }) => read.searchRss / MIB),
      row("and of the bundles, MiB", ({ read }) => read.rss / MIB),
      row("indexes made, entries per second", ({ entries, prepared }) => entries / (prepared.indexMs / 1000)),
      row("MB per million requests: lines, compressed", ({ entries, prepared }) => perMillion(prepared.lines, entries)),
      row("MB per million requests: hashes and tiles", ({ entries, prepared }) => perMillion(prepared.hashes, entries)),
      row("MB per million requests: indexes", ({ entries, prepared }) => perMillion(prepared.index, entries)),
      row("MB per million requests", disk),
    ],
    goals: [
      atMost(`first pages of all filters, ${sizes}`, ratio(all), 1.5),
      atMost(
        `look-up of a person, ${sizes}`,
        ratio(({ person }) => person),
        1.5,
      ),
      atMost(
        `open Do-Not-Calls, ${sizes}`,
        ratio(({ open }) => open),
        1.5,
      ),
      atMost(
        `bundle of one person, ${sizes}`,
        ratio(({ bundle }) => bundle),
        1.5,
      ),
      atMost(
        `largest resident memory, ${sizes}`,
        ratio(({ rss }) => rss),
        1.2,
      ),
      atMost(`MB per million requests at ${last.entries} entries`, disk(last), 250),
    ],
    notes: [
      "A page is 50 requests; each figure is the median of five, in a process that has the files in memory. The last " +
        "segment is neither sealed nor compressed.",
    ],
  };
};
