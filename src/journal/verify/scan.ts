/** Once through all lines: their leaf hashes, the roots at the checkpoints, and whether each stands where its index says. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Prefix, hashLine } from "./merkle.ts";
import type { Finding } from "./report.ts";
import type { Claim } from "./signatures.ts";
import { walk, type Line } from "./walk.ts";

export type Segment = {
  /** By its name. */
  readonly first: number;
  lines: number;
  /** A line does not stand where its index says, or the next segment does not follow. */
  irregular: boolean;
};

export type Scan = {
  readonly segments: Segment[];
  entries: number;
  /** Sizes of the checkpoints whose root the lines have, and have not or cannot have because they end before. */
  readonly matching: Claim[];
  readonly failing: Claim[];
  readonly findings: Finding[];
  readonly notes: string[];
};

export const segmentFile = (first: number): string => `${String(first).padStart(12, "0")}.jsonl`;

export const numbersOf = async (dir: string, ending: string): Promise<number[]> => {
  const names = await readdir(join(dir, "segments")).catch(() => []);
  return names.filter((name) => /^\d{12}\./.test(name) && name.slice(12) === ending).map((name) => Number(name.slice(0, 12))).toSorted((left, right) => left - right);
};

/** `anchors` ascending by size. */
export const scan = async (dir: string, anchors: readonly Claim[]): Promise<Scan> => {
  const firsts = await numbersOf(dir, ".jsonl");
  const seen: Scan = { segments: [], entries: 0, matching: [], failing: [], findings: [], notes: [] };
  const state = { prefix: new Prefix(), anchors, reached: 0, time: "" };
  for (const first of firsts) {
    const segment: Segment = { first, lines: 0, irregular: first !== seen.entries };
    if (segment.irregular && seen.segments.length > 0) seen.segments.at(-1)!.irregular = true;
    seen.segments.push(segment);
    await walk(join(dir, "segments", segmentFile(first)), (line) => take(seen, state, { segment, line, isLast: first === firsts.at(-1) }));
    seen.entries = state.prefix.size;
  }
  seen.failing.push(...anchors.slice(state.reached));
  return seen;
};

type State = { readonly prefix: Prefix; readonly anchors: readonly Claim[]; reached: number; time: string };
type Place = { readonly segment: Segment; readonly line: Line; readonly isLast: boolean };

const take = (seen: Scan, state: State, { segment, line, isLast }: Place): void => {
  const covered = state.anchors.at(-1)?.size ?? 0;
  const where = `line ${line.number} of ${segmentFile(segment.first)}`;
  if (line.partial && isLast && state.prefix.size >= covered) {
    seen.notes.push(`${where} is not whole: it is being written now, or a crash tore it and the next start will cut it off`);
    return;
  }
  if (line.partial || line.head?.index !== segment.first + line.number - 1) segment.irregular = true;
  noteTime(seen, state, { line, where });
  if (state.prefix.size >= covered && !isJson(line)) seen.findings.push({ kind: "json", segment: segmentFile(segment.first), line: line.number, text: `${where} is no JSON` });
  segment.lines = line.number;
  state.prefix.add(hashLine(line.bytes));
  for (let anchor = state.anchors[state.reached]; anchor?.size === state.prefix.size; anchor = state.anchors[++state.reached]) {
    (anchor.root === state.prefix.root() ? seen.matching : seen.failing).push(anchor);
  }
};

/** Texts of one form compare as the times do. A new run may begin with a clock that was set. */
const noteTime = (seen: Scan, state: State, { line: { head }, where }: { line: Line; where: string }): void => {
  if (!head) return;
  if (head.time < state.time && head.kind !== "start" && seen.notes.length < 20) seen.notes.push(`${where} is dated ${head.time}, before the line above it: the clock was set back between two runs, if the line was not changed`);
  state.time = head.time;
};

const isJson = ({ bytes }: Line): boolean => {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
};
