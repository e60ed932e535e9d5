/**
 * The anchor: the last signed checkpoint, kept outside the journal's directory, so that an emptied, shortened or
 * replaced directory is noticed. It is a signed note (C2SP checkpoint) with extra lines for every key that has signed
 * the journal. It is written after each checkpoint, so the directory always has a checkpoint of at least its size, even
 * after a crash.
 */
import type { KeyObject } from "node:crypto";
import { reasonOf } from "../../errors.ts";
import { withTimeout } from "../../../common/timeout.ts";
import { readWhole, replaceWhole, type Disk } from "../../disk.ts";
import {
  linesBehindRoot,
  readCheckpoint,
  signCheckpoint,
  signerOf,
  verifierKey,
  type Checkpoint,
} from "./signed-note.ts";

/** The content of the anchor. `keys`: verifier keys, oldest first. */
export type Anchored = Checkpoint & { readonly keys: readonly string[] };

/** The file exists, but no gateway with this origin wrote it. */
export class AnchorUnusable extends Error {
  override readonly name = "AnchorUnusable";
}

/** The anchor cannot be written. */
export class AnchorNotWritable extends Error {
  override readonly name = "AnchorNotWritable";
}

const MOST_BYTES = 1 << 20;
const KEY_LINE = "key ";
const PATIENCE_MS = 5000;

export const defaultAnchor = (dir: string): string => `${dir}.anchor`;

/** `own`: the verifier key of the config. */
export type Signing = { readonly origin: string; readonly own: string };

/** Undefined if there is no file. Throws AnchorUnusable. */
export const readAnchor = async (disk: Disk, path: string, { origin, own }: Signing): Promise<Anchored | undefined> => {
  const text = await textOf(disk, path);
  if (text === undefined) return undefined;
  const checkpoint = readCheckpoint(text);
  if (!checkpoint) throw new AnchorUnusable(`the anchor ${path} is not a checkpoint, so its file was changed`);
  if (checkpoint.origin !== origin) {
    throw new AnchorUnusable(`the anchor ${path} belongs to ${checkpoint.origin}, but this journal signs as ${origin}`);
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

export type OnAnchorTrouble = (reason: string | undefined) => void;

export type AnchorOptions = {
  readonly disk: Disk;
  readonly path: string;
  readonly key: KeyObject;
  readonly origin: string;
  /** The current content of the file. */
  readonly known: Anchored | undefined;
  /** Called once with the reason when the anchor cannot be written, and with undefined when it can be again. */
  readonly onTrouble?: OnAnchorTrouble | undefined;
};

export class Anchor {
  readonly #options: AnchorOptions;
  readonly #keys: readonly string[];
  #writing: Promise<void> | undefined;
  /** Why the last checkpoint could not be written to the anchor; undefined if it was written. */
  trouble: string | undefined;

  constructor(options: AnchorOptions) {
    this.#options = options;
    const own = verifierKey(options.origin, options.key);
    this.#keys = [...(options.known?.keys ?? []).filter((key) => key !== own), own];
  }

  /** The content of the file when it was opened. */
  get known(): Anchored | undefined {
    return this.#options.known;
  }

  /** Resolves when the checkpoint is on disk. Rejects with AnchorNotWritable; the next call tries again. */
  async keep({ size, root }: Pick<Checkpoint, "size" | "root">): Promise<void> {
    const { disk, path, key, origin } = this.#options;
    try {
      // Waits for an earlier write that hangs: both would write the same file.
      await withTimeout(PATIENCE_MS, this.#writing ?? Promise.resolve());
      const note = signCheckpoint(
        { origin, size, root },
        key,
        this.#keys.map((line) => KEY_LINE + line),
      );
      const writing = replaceWhole(disk, path, Buffer.from(note));
      this.#writing = writing.catch(() => undefined).finally(() => (this.#writing = undefined));
      await withTimeout(PATIENCE_MS, writing);
      if (this.trouble !== undefined) this.#options.onTrouble?.(undefined);
      this.trouble = undefined;
    } catch (error) {
      const message = `the anchor ${path} (audit.checkpoint.anchor) cannot be written: ${reasonOf(error)}`;
      if (this.trouble === undefined) this.#options.onTrouble?.(message);
      this.trouble = message;
      throw new AnchorNotWritable(message, { cause: error });
    }
  }
}
