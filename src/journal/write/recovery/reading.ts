/** What recovery knows so far of the journal's lines, and how its messages name them. */
import type { Disk, OpenMode } from "../../disk.ts";
import { JournalDamaged } from "../../errors.ts";
import type { LeafHashes } from "../../integrity/leaf-hashes.ts";
import type { Digest, Tree } from "../../integrity/merkle-tree.ts";
import { segmentName, type paths } from "../../paths.ts";
import type { DeletedLines } from "../../segments/retention/deleted-lines.ts";
import type { RecoveryScan } from "./recovery-scan.ts";
import type { StartState } from "../start-state.ts";

export type Reading = {
  readonly disk: Disk;
  readonly dir: string;
  readonly how: Exclude<OpenMode, "read">;
  readonly at: ReturnType<typeof paths>;
  readonly tree: Tree;
  readonly leaves: LeafHashes;
  readonly trail: RecoveryScan;
  /** The signed roots, by size. */
  readonly signed: ReadonlyMap<number, Digest>;
  /** For roots that were read elsewhere only: their names for messages, by size. */
  readonly publishedNames: ReadonlyMap<number, string>;
  /** Entries below it are covered by a checkpoint. */
  readonly covered: number;
  /** Ranges of entries between segments of which only the hashes are left. */
  readonly holes: { readonly from: number; readonly to: number }[];
  /** Which lines are deleted, by the first index of their segment. */
  readonly deleted: Map<number, DeletedLines>;
  /** The start state from which reading continues; undefined when it begins with the first line. */
  readonly state: StartState | undefined;
  leaf: Digest | undefined;
};

/** Throws unless the entries so far have the root that was signed for this size. */
export const requireSigned = (reading: Reading, where: string): void => {
  const { tree, signed } = reading;
  if (signed.get(tree.size()) !== tree.root())
    throw new JournalDamaged(
      `the first ${tree.size()} entries, ${where} do not have the root that ${named(reading, tree.size())} signed`,
    );
};

export const named = ({ publishedNames }: Reading, size: number): string =>
  publishedNames.get(size) ?? `checkpoint ${size}`;

export const endOf = (tree: Tree): string => (tree.size() === 0 ? "is empty" : `ends with index ${tree.size() - 1}`);

export const place = ({ tree }: Reading, first: number): string =>
  `${segmentName(first)} line ${tree.size() - first + 1}`;
