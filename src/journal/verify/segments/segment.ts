/** One segment by itself. Of the other segments only the recorded leaf hashes are read: they count where they lead to a signed root. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { nameOf } from "./checkpoints.ts";
import { Prefix, hashLine } from "./merkle.ts";
import type { Finding } from "./report.ts";
import { numbersOf, segmentFile, type Scan } from "./scan.ts";
import type { Claim } from "./signatures.ts";
import { walk } from "./walk.ts";

const HASH_BYTES = 32;

type Asked = {
  readonly dir: string;
  readonly path: string;
  readonly first: number;
  readonly anchors: readonly Claim[];
};
type Scanned = {
  readonly seen: Scan;
  readonly findings: readonly Finding[];
  readonly missing: readonly string[];
  /** How many of its entries the checkpoint covers that is in `seen.matching`. */ readonly covered: number;
};

export const scanSegment = async ({ dir, path, first, anchors }: Asked): Promise<Scanned> => {
  const leaves: string[] = [];
  const findings: Finding[] = [];
  const notes: string[] = [];
  const damage = await walk(path, ({ bytes, head, partial, number }) => {
    const index = first + number - 1;
    if (partial) notes.push(`line ${number} is not whole: it is being written now, or was cut off`);
    else if (head?.index !== index)
      findings.push({
        kind: "changed",
        segment: segmentFile(first),
        line: number,
        index,
        text: `line ${number} of ${segmentFile(first)} should be that of index ${index}`,
      });
    if (!partial) leaves.push(hashLine(bytes));
  });
  if (damage !== undefined)
    findings.push({
      kind: "segment",
      segment: segmentFile(first),
      line: leaves.length + 1,
      index: first + leaves.length,
      text: damage,
    });
  const seen: Scan = {
    segments: [{ first, lines: leaves.length, irregular: findings.length > 0 }],
    entries: leaves.length,
    retired: 0,
    aside: [],
    doubts: 0,
    newest: "",
    dnc: {},
    matching: [],
    failing: [],
    findings: [],
    gaps: [],
    notes,
  };
  const { leaves: recorded, cover, failing } = await provedLeaves(dir, anchors);
  findings.push(...rootsThatDoNotFit({ cover, failing, first, end: first + leaves.length }));
  const covered = recorded.slice(first, cover?.size ?? 0);
  if (!cover || covered.length === 0)
    return {
      seen,
      findings,
      missing: [
        cover
          ? "no checkpoint covers it yet"
          : "the checkpoints and the leaf hashes of its journal are not beside it, so nothing says what its lines were",
      ],
      covered: 0,
    };
  const own = covered.slice(0, Math.max(leaves.length, Math.min(covered.length, (await nextOf(dir, first)) - first)));
  for (const [at, leaf] of own.entries()) {
    if (leaves[at] !== leaf)
      findings.push(
        leaves[at] === undefined
          ? {
              kind: "cut",
              segment: segmentFile(first),
              index: first + at,
              text: `${segmentFile(first)} ends before index ${first + at}, which ${nameOf(cover)} covers`,
            }
          : {
              kind: "changed",
              segment: segmentFile(first),
              line: at + 1,
              index: first + at,
              text: `line ${at + 1} of ${segmentFile(first)} is not what stood at index ${first + at} when ${nameOf(cover)} was signed`,
            },
      );
  }
  seen.matching.push(cover);
  return { seen, findings, missing: [], covered: own.length };
};

const nextOf = async (dir: string, first: number): Promise<number> =>
  (await numbersOf(dir, ".hashes")).find((other) => other > first) ?? Number.POSITIVE_INFINITY;

type Proved = {
  readonly leaves: readonly string[];
  /** The largest checkpoint whose root the leaf hashes have. */
  readonly cover: Claim | undefined;
  /** Those whose root they do not have. */
  readonly failing: readonly Claim[];
};

const provedLeaves = async (dir: string, anchors: readonly Claim[]): Promise<Proved> => {
  const prefix = new Prefix();
  const leaves: string[] = [];
  const failing: Claim[] = [];
  // Behind the last checkpoint no leaf hash proves anything, however many a file has.
  const last = anchors.at(-1)?.size ?? 0;
  const bySize = Map.groupBy(anchors, ({ size }) => size);
  let cover: Claim | undefined;
  for (const first of await numbersOf(dir, ".hashes")) {
    if (first !== leaves.length) break;
    const length = Math.max(0, Math.min(await nextOf(dir, first), last) - first) * HASH_BYTES;
    await using file = await open(join(dir, "segments", segmentFile(first).replace(".jsonl", ".hashes")), "r");
    const { size } = await file.stat();
    const { buffer: bytes, bytesRead: end } = await file.read(
      Buffer.alloc(Math.min(length, size)),
      0,
      Math.min(length, size),
      0,
    );
    for (let at = 0; at + HASH_BYTES <= end; at += HASH_BYTES) {
      const leaf = bytes.toString("hex", at, at + HASH_BYTES);
      leaves.push(leaf);
      prefix.add(leaf);
      for (const anchor of bySize.get(prefix.size) ?? []) {
        if (anchor.root === prefix.root()) cover = anchor;
        else failing.push(anchor);
      }
    }
  }
  return { leaves, cover, failing };
};

type Range = {
  readonly cover: Claim | undefined;
  readonly failing: readonly Claim[];
  readonly first: number;
  readonly end: number;
};

/** A checkpoint that the recorded leaf hashes contradict: below one that fits, or above it where that may be about this segment. */
const rootsThatDoNotFit = ({ cover, failing, first, end }: Range): Finding[] => {
  const proved = cover?.size ?? 0;
  return failing
    .filter(({ size }) => size <= proved || (end > proved && first < size))
    .map((claim): Finding => ({
      kind: claim.size <= proved ? "checkpoint" : "range",
      text: `the leaf hashes beside the segments do not have the root of ${nameOf(claim)}${
        claim.size <= proved
          ? `, and they have that of ${nameOf(cover!)}: the two contradict each other`
          : `: lines or hashes between ${proved} and ${claim.size - 1} were changed; verify the whole journal to see which`
      }`,
    }));
};
