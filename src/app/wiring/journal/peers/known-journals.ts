/**
 * Which journal each other gateway has: its origin and key as first seen, kept in this gateway's own directory. Another
 * journal under the name of a known gateway is not cosigned until an operator accepts it.
 */
import { join } from "node:path";
import { nodeDisk, readWhole, replaceWhole } from "../../../../journal/disk.ts";
import { nameOfKey } from "../../../../journal/integrity/checkpoints/signed-note.ts";

/** Verifier keys: of the journal's checkpoints, and of the gateway as a witness. */
export type JournalIdentity = { readonly origin: string; readonly key: string; readonly witness: string };

type Known = JournalIdentity & { readonly node: string };

const FILE = "journals.json";

export class KnownJournals {
  readonly #path: string;
  #all: readonly Known[];

  private constructor(path: string, all: readonly Known[]) {
    this.#path = path;
    this.#all = all;
  }

  /** Rejects if the file is there and cannot be read. The folder must exist. */
  static async open(dir: string): Promise<KnownJournals> {
    const path = join(dir, FILE);
    const text = await readWhole(nodeDisk, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return new KnownJournals(path, text === undefined ? [] : (JSON.parse(text.toString()) as Known[]));
  }

  get(node: string): JournalIdentity | undefined {
    return this.#all.find((each) => each.node === node);
  }

  nodeOf(origin: string): string | undefined {
    return this.#all.find((each) => each.origin === origin)?.node;
  }

  /** Verifier keys by origin. */
  keys(): ReadonlyMap<string, readonly string[]> {
    return new Map(this.#all.map(({ origin, key }) => [origin, [key]]));
  }

  /** Resolves when the disk has it. A name that had the same journal before is replaced. */
  async set(node: string, { origin, key, witness }: JournalIdentity): Promise<void> {
    const others = this.#all.filter((each) => each.node !== node && each.origin !== origin);
    const all = [...others, { node, origin, key, witness }];
    await replaceWhole(nodeDisk, this.#path, Buffer.from(`${JSON.stringify(all, undefined, 2)}\n`));
    this.#all = all;
  }
}

/** What a gateway tells of its journal; undefined for anything else. */
export const readIdentity = (told: unknown): JournalIdentity | undefined => {
  const { origin, key, witness } = (told ?? {}) as Partial<Record<keyof JournalIdentity, unknown>>;
  return typeof origin === "string" &&
    typeof key === "string" &&
    typeof witness === "string" &&
    nameOfKey(key)?.name === origin
    ? { origin, key, witness }
    : undefined;
};
