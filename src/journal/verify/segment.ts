/** One segment by itself. Of the other segments only the recorded leaf hashes are read: they count where they lead to a signed root. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Prefix, hashLine } from "./merkle.ts";
import type { Finding } from "./report.ts";
import { numbersOf, segmentFile, type Scan } from "./scan.ts";
import type { Claim } from "./signatures.ts";
import { walk } from "./walk.ts";

const HASH_BYTES = 32;

type Asked = { readonly dir: string; readonly path: string; readonly first: number; readonly anchors: readonly Claim[] };
type Scanned = { readonly seen: Scan; readonly findings: readonly Finding[]; readonly missing: readonly string[] };

export const scanSegment = async ({ dir, path, first, anchors }: Asked): Promise<Scanned> => {
  const leaves: string[] = [];
  const findings: Finding[] = [];
  const notes: string[] = [];
  await walk(path, ({ bytes, head, partial, number }) => {
    const index = first + number - 1;
    if (partial) notes.push(`line ${number} is not whole: it is being written now, or was cut off`);
    else if (head?.index !== index) findings.push({ kind: "changed", segment: segmentFile(first), line: number, index, text: `line ${number} of ${segmentFile(first)} should be that of index ${index}` });
    if (!partial) leaves.push(hashLine(bytes));
  });
  const seen: Scan = { segments: [{ first, lines: leaves.length, irregular: findings.length > 0 }], entries: leaves.length, retired: 0, doubts: 0, dnc: {}, matching: [], failing: [], findings: [], gaps: [], notes };
  const proved = await provedLeaves(dir, anchors);
  const covered = (proved?.leaves ?? []).slice(first, proved?.cover.size);
  if (!proved || covered.length === 0) return { seen, findings, missing: [proved ? "no checkpoint covers it yet" : "the checkpoints and the leaf hashes of its journal are not beside it, so nothing says what its lines were"] };
  const own = covered.slice(0, Math.max(leaves.length, Math.min(covered.length, (await nextOf(dir, first)) - first)));
  for (const [at, leaf] of own.entries()) {
    if (leaves[at] !== leaf) findings.push(leaves[at] === undefined
      ? { kind: "cut", segment: segmentFile(first), index: first + at, text: `${segmentFile(first)} ends before index ${first + at}, which checkpoint ${proved.cover.size} covers` }
      : { kind: "changed", segment: segmentFile(first), line: at + 1, index: first + at, text: `line ${at + 1} of ${segmentFile(first)} is not what stood at index ${first + at} when checkpoint ${proved.cover.size} was signed` });
  }
  seen.matching.push({ ...proved.cover, size: Math.min(proved.cover.size, own.length) });
  return { seen, findings, missing: [] };
};

const nextOf = async (dir: string, first: number): Promise<number> => (await numbersOf(dir, ".hashes")).find((other) => other > first) ?? Number.POSITIVE_INFINITY;

/** The recorded leaf hashes, and the largest checkpoint whose root they have. */
const provedLeaves = async (dir: string, anchors: readonly Claim[]): Promise<{ readonly leaves: readonly string[]; readonly cover: Claim } | undefined> => {
  const prefix = new Prefix();
  const leaves: string[] = [];
  let cover: Claim | undefined;
  for (const first of await numbersOf(dir, ".hashes")) {
    if (first !== leaves.length) break;
    await using file = await open(join(dir, "segments", segmentFile(first).replace(".jsonl", ".hashes")), "r");
    const bytes = await file.readFile();
    const end = Math.min(bytes.length, ((await nextOf(dir, first)) - first) * HASH_BYTES);
    for (let at = 0; at + HASH_BYTES <= end; at += HASH_BYTES) {
      const leaf = bytes.toString("hex", at, at + HASH_BYTES);
      leaves.push(leaf);
      prefix.add(leaf);
      const anchor = anchors.find(({ size }) => size === prefix.size);
      if (anchor && anchor.root === prefix.root()) cover = anchor;
    }
  }
  return cover && { leaves, cover };
};
