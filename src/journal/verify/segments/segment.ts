/**
 * Verifies one segment alone. Of the other segments it reads only the recorded leaf hashes: they count if they lead to
 * a signed root.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { nameOf } from "../checkpoints.ts";
import { recordedIn } from "../deletions.ts";
import { Prefix, hashLine } from "../merkle.ts";
import type { Finding } from "../report.ts";
import { nothingSeen, type Scan } from "../scan.ts";
import { numbersOf, segmentFile } from "./segment-files.ts";
import type { Claim } from "../signatures.ts";
import { walk } from "../walk.ts";

const HASH_BYTES = 32;

type SegmentToScan = {
  readonly dir: string;
  readonly path: string;
  readonly first: number;
  readonly anchors: readonly Claim[];
};
type Scanned = {
  readonly seen: Scan;
  readonly findings: readonly Finding[];
  readonly missing: readonly string[];
  /** How many of its entries the checkpoint in `seen.matching` covers. */
  readonly covered: number;
};

/** Reads the segment's lines and compares them with the checkpoints and leaf hashes beside it. */
export const scanSegment = async (segment: SegmentToScan): Promise<Scanned> => {
  const { dir, first, anchors } = segment;
  const { leaves, findings: lineFindings, notes, deletedLines } = await readSegmentLines(segment);
  const seen: Scan = {
    ...nothingSeen(),
    segments: [{ first, lines: leaves.length, irregular: lineFindings.length > 0 }],
    entries: leaves.length,
    notes: [...notes],
  };
  const { leaves: recorded, cover, failing } = await provedLeaves(dir, anchors);
  const findings = [...lineFindings, ...rootsThatDoNotFit({ cover, failing, first, end: first + leaves.length })];
  const covered = recorded.slice(first, cover?.size ?? 0);
  if (!cover || covered.length === 0)
    return {
      seen,
      findings,
      missing: [
        cover
          ? "no checkpoint covers it yet"
          : "the checkpoints and the leaf hashes of its journal are not beside it, so its lines cannot be verified",
      ],
      covered: 0,
    };
  const own = covered.slice(0, Math.max(leaves.length, Math.min(covered.length, (await nextOf(dir, first)) - first)));
  seen.matching.push(cover);
  const missing = deletedLines === 0 ? [] : [saysUnknown(deletedLines)];
  const differing = differingLines({ first, leaves, signed: own, cover });
  return { seen, findings: [...findings, ...differing], missing, covered: own.length };
};

/** `leaves`: the hash of each line. For a deleted line, the recorded one. */
type SegmentLines = {
  readonly leaves: readonly string[];
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly deletedLines: number;
};

const readSegmentLines = async ({ path, first }: SegmentToScan): Promise<SegmentLines> => {
  const leaves: string[] = [];
  const findings: Finding[] = [];
  const notes: string[] = [];
  const hashes = await recordedIn(path.replace(/\.jsonl(\.zst)?$/, ".hashes"));
  let deletedLines = 0;
  const damage = await walk(path, ({ bytes, head, partial, number, deleted }) => {
    const index = first + number - 1;
    const leaf = deleted ? hashes(number - 1) : undefined;
    if (leaf !== undefined) {
      deletedLines++;
      leaves.push(leaf);
      return;
    }
    if (partial) notes.push(`line ${number} is incomplete: it is being written now, or was cut off`);
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
  return { leaves, findings, notes, deletedLines };
};

type Compared = {
  readonly first: number;
  readonly leaves: readonly string[];
  /** The leaf hashes that the checkpoint covers. */
  readonly signed: readonly string[];
  readonly cover: Claim;
};

const differingLines = ({ first, leaves, signed, cover }: Compared): readonly Finding[] =>
  signed.flatMap((leaf, at): readonly Finding[] => {
    const [segment, index] = [segmentFile(first), first + at];
    if (leaves[at] === leaf) return [];
    if (leaves[at] === undefined)
      return [
        {
          kind: "cut",
          segment,
          index,
          text: `${segment} ends before index ${index}, which ${nameOf(cover)} covers`,
        },
      ];
    return [
      {
        kind: "changed",
        segment,
        line: at + 1,
        index,
        text: `line ${at + 1} of ${segment} differs from the entry at index ${index} that ${nameOf(cover)} covers`,
      },
    ];
  });

const saysUnknown = (count: number): string =>
  `${count} of its lines are deleted, and whether an entry says so, only the whole journal shows: run ocsgw audit ` +
  "verify without a segment";

const nextOf = async (dir: string, first: number): Promise<number> =>
  (await numbersOf(dir, ".hashes")).find((other) => other > first) ?? Number.POSITIVE_INFINITY;

type Proved = {
  readonly leaves: readonly string[];
  /** The largest checkpoint whose root the leaf hashes have. */
  readonly cover: Claim | undefined;
  /** Checkpoints whose root they do not have. */
  readonly failing: readonly Claim[];
};

const provedLeaves = async (dir: string, anchors: readonly Claim[]): Promise<Proved> => {
  const prefix = new Prefix();
  const leaves: string[] = [];
  const failing: Claim[] = [];
  // After the last checkpoint no recorded leaf hash proves anything.
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

/**
 * A checkpoint that the recorded leaf hashes contradict: below one that matches, or above it if it may concern this
 * segment.
 */
const rootsThatDoNotFit = ({ cover, failing, first, end }: Range): Finding[] => {
  const proved = cover?.size ?? 0;
  return failing
    .filter(({ size }) => size <= proved || (end > proved && first < size))
    .map((claim): Finding => ({
      kind: claim.size <= proved ? "checkpoint" : "range",
      text: `the leaf hashes beside the segments do not have the root of ${nameOf(claim)}${
        claim.size <= proved
          ? `, and they have that of ${nameOf(cover!)}: the two contradict each other`
          : `: lines or hashes between ${proved} and ${claim.size - 1} were changed; verify the whole journal to ` +
            "see which"
      }`,
    }));
};
