/**
 * What proves that the journal has the lines of a request: the last checkpoint, and the path of each line to its root
 * (RFC 6962, 2.1.1). Nothing is verified here: whoever shows the lines verifies them.
 */
import { nodeDisk, readWhole } from "../disk.ts";
import { coveredIn } from "../integrity/entry-proof.ts";
import { digestBytes } from "../integrity/merkle-tree.ts";
import { Tiles } from "../integrity/tiles.ts";
import { paths } from "../paths.ts";
import type { Transaction } from "./transaction.ts";

export type LineProofs = {
  /** The signed note of the last checkpoint; null if there is none. */
  readonly checkpoint: string | null;
  /** Verifier keys, as the journal's directory names them, oldest first. */
  readonly keys: readonly string[];
  readonly lines: readonly {
    readonly index: number;
    /** As it is in the segment, without its line break. */
    readonly line: string;
    /** Sibling hashes from the leaf up, in hex; null if the checkpoint does not cover the line, or one is missing. */
    readonly path: readonly string[] | null;
  }[];
};

type Found = Pick<Transaction, "entries"> & { readonly lines: readonly Buffer[] };

export const lineProofs = async (dir: string, { entries, lines }: Found): Promise<LineProofs> => {
  const at = paths(dir);
  const size = await coveredIn({ disk: nodeDisk, dir });
  const textOf = async (path: string): Promise<string | undefined> =>
    (await readWhole(nodeDisk, path).catch(ifGone))?.toString("utf8");
  const tiles = new Tiles(nodeDisk, dir, size);
  try {
    const proved: LineProofs["lines"][number][] = [];
    for (const [place, { index }] of entries.entries()) {
      // Missing or damaged leaf hashes give no path.
      const path = index < size ? await tiles.of(index).catch(() => undefined) : undefined;
      proved.push({
        index,
        line: lines[place]!.toString("utf8"),
        path: path?.map((digest) => digestBytes(digest).toString("hex")) ?? null,
      });
    }
    return {
      checkpoint: size === 0 ? null : ((await textOf(at.checkpoint(size))) ?? null),
      keys: (await textOf(at.verifierKeys))?.split("\n").filter(Boolean) ?? [],
      lines: proved,
    };
  } finally {
    await tiles.close();
  }
};

const ifGone = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== "ENOENT") throw error;
  return undefined;
};
