/**
 * The anchor: what was signed last, kept outside the journal's directory, so that a directory that was emptied, cut
 * back or replaced by an older copy is noticed. It is a signed note (C2SP checkpoint) whose lines behind the root name
 * every key that has signed the journal. It is written after each checkpoint, so the directory always holds a
 * checkpoint of at least its size, whenever a crash comes.
 */
import type { KeyObject } from "node:crypto";
import { reasonOf, within } from "./broken.ts";
import { readWhole, replaceWhole, type Disk } from "./disk.ts";
import { linesBehindRoot, readCheckpoint, signCheckpoint, signerOf, verifierKey, type Checkpoint } from "./note.ts";

/** What the anchor's file says. `keys`: verifier keys, the oldest first. */
export type Anchored = Checkpoint & { readonly keys: readonly string[] };

/** The file is there, and is not what a gateway with this origin wrote. */
export class AnchorUnusable extends Error {
  override readonly name = "AnchorUnusable";
}

/** Nothing can be written there. */
export class AnchorNotWritable extends Error {
  override readonly name = "AnchorNotWritable";
}

const MOST_BYTES = 1 << 20;
const KEY_LINE = "key ";
const PATIENCE_MS = 5000;

/** Of an anchor that was never written this is the place alone. */
export const defaultAnchor = (dir: string): string => `${dir}.anchor`;

/** `own`: the verifier key of the config. */
export type Signing = { readonly origin: string; readonly own: string };

/** Undefined when there is no file. Throws AnchorUnusable. */
export const readAnchor = async (disk: Disk, path: string, { origin, own }: Signing): Promise<Anchored | undefined> => {
  const text = await textOf(disk, path);
  if (text === undefined) return undefined;
  const checkpoint = readCheckpoint(text);
  if (!checkpoint) throw new AnchorUnusable(`the anchor ${path} is no checkpoint, so its file was changed`);
  if (checkpoint.origin !== origin) {
    throw new AnchorUnusable(`the anchor ${path} is that of ${checkpoint.origin}, this journal signs as ${origin}`);
  }
  const keyLines = linesBehindRoot(text).filter((line) => line.startsWith(KEY_LINE));
  const keys = keyLines.map((line) => line.slice(KEY_LINE.length));
  if (signerOf(text, [own, ...keys]) === undefined) {
    throw new AnchorUnusable(`the anchor ${path} has no valid signature, so it was changed`);
  }
  return { ...checkpoint, keys };
};

const textOf = async (disk: Disk, path: string): Promise<string | undefined> => {
  try {
    const bytes = await readWhole(disk, path);
    return bytes.length > MOST_BYTES ? "" : bytes.toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AnchorUnusable(`the anchor ${path} cannot be read: ${reasonOf(error)}`);
  }
};

export type AnchorOptions = {
  readonly disk: Disk;
  readonly path: string;
  readonly key: KeyObject;
  readonly origin: string;
  /** What the file says now. */
  readonly known: Anchored | undefined;
  /** Told once when it cannot be written. */
  readonly tell?: ((reason: string) => void) | undefined;
};

export class Anchor {
  readonly #options: AnchorOptions;
  readonly #keys: readonly string[];
  #writing: Promise<void> | undefined;
  /** Why the last checkpoint did not get there; undefined while it did. */
  trouble: string | undefined;

  constructor(options: AnchorOptions) {
    this.#options = options;
    const own = verifierKey(options.origin, options.key);
    this.#keys = [...(options.known?.keys ?? []).filter((key) => key !== own), own];
  }

  /** What the file said when it was opened. */
  get known(): Anchored | undefined {
    return this.#options.known;
  }

  /** Resolves when the file says it, whole and on disk. Rejects with AnchorNotWritable; the next one tries again. */
  async keep({ size, root }: Pick<Checkpoint, "size" | "root">): Promise<void> {
    const { disk, path, key, origin } = this.#options;
    try {
      // One that hangs is not overtaken by another: both would write the same file.
      await within(PATIENCE_MS, this.#writing ?? Promise.resolve());
      const note = signCheckpoint(
        { origin, size, root },
        key,
        this.#keys.map((line) => KEY_LINE + line),
      );
      const writing = replaceWhole(disk, path, Buffer.from(note));
      this.#writing = writing.catch(() => undefined).finally(() => (this.#writing = undefined));
      await within(PATIENCE_MS, writing);
      this.trouble = undefined;
    } catch (error) {
      const message = `the anchor ${path} (audit.checkpoint.anchor) cannot be written: ${reasonOf(error)}`;
      if (this.trouble === undefined) this.#options.tell?.(message);
      this.trouble = message;
      throw new AnchorNotWritable(message, { cause: error });
    }
  }
}
