/**
 * A witness for the logs of others (C2SP tlog-witness): it cosigns a checkpoint only when the log has appended to the
 * last checkpoint that it cosigned. A journal that was truncated, rewritten or forked gets no cosignature any more.
 */
import { createHash } from "node:crypto";
import {
  cosign,
  signerOf,
  textOfNote,
  type Checkpoint,
  type Cosigner,
} from "../journal/integrity/checkpoints/signed-note.ts";
import { digestOf, EMPTY_ROOT, verifyConsistency } from "../journal/integrity/merkle-tree.ts";
import type { CosignedCheckpoints } from "./cosigned-checkpoints.ts";
import { readSubmission, type Submission } from "./submission.ts";
import { faultInWords } from "../common/system-error.ts";
import { SerialQueue } from "../common/serial-queue.ts";

export type WitnessReply = {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 500;
  readonly type: "text/plain; charset=utf-8" | "text/x.tlog.size";
  readonly text: string;
};

/** Verifier keys by origin. A log may have several keys, because a new key does not replace the old one. */
export type Logs = () => Promise<ReadonlyMap<string, readonly string[]>>;

export type WitnessEvent =
  /** The log has grown. The same checkpoint, sent again, is cosigned and not reported. */
  | { readonly kind: "cosigned"; readonly origin: string; readonly size: number }
  /**
   * A checkpoint with the log's own signature was rejected; reported once. `contradiction`: it has another root for the
   * size that was cosigned, which is evidence against the log. `unproved`: the proof is wrong; either the log has
   * another history, or the sender, who may be anybody, sent a wrong proof. `smaller`: it has fewer entries than were
   * cosigned; either the log lost entries, or the sender sent an old checkpoint. `note`: with the log's signature only.
   */
  | {
      readonly kind: "contradiction" | "unproved" | "smaller";
      readonly origin: string;
      readonly size: number;
      readonly before: number;
      readonly note: string;
    }
  | { readonly kind: "failed"; readonly reason: string };

export type WitnessOptions = {
  readonly own: Cosigner;
  readonly records: CosignedCheckpoints;
  readonly logs: Logs;
  readonly onEvent: (news: WitnessEvent) => void;
  /** Seconds since 1970. */
  readonly now?: () => number;
};

const plain = (status: WitnessReply["status"], text: string): WitnessReply => ({
  status,
  type: "text/plain; charset=utf-8",
  text: `${text}\n`,
});
/** So many reported checkpoints are remembered. */
const MAX_REPORTED = 10_000;

const sizeOf = (size: number): WitnessReply => ({ status: 409, type: "text/x.tlog.size", text: `${size}\n` });

export class Witness {
  readonly #options: WitnessOptions;
  /** Rejected checkpoints that were reported: anybody can send a public checkpoint again and again. */
  readonly #reported = new Set<string>();
  /** One at a time, because each submission is compared with the last checkpoint and replaces it. */
  readonly #queue = new SerialQueue();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  add(body: Buffer): Promise<WitnessReply> {
    return this.#queue
      .run(() => this.#add(body))
      .catch((error: unknown) => {
        this.#options.onEvent({ kind: "failed", reason: faultInWords(error) });
        return plain(500, "the witness cannot write its state, so it does not cosign");
      });
  }

  async #add(body: Buffer): Promise<WitnessReply> {
    const submission = readSubmission(body);
    if (typeof submission === "string") return plain(400, submission);
    const { old, note, checkpoint } = submission;
    const { records, logs } = this.#options;
    const keys = (await logs()).get(checkpoint.origin);
    if (!keys) return plain(404, "unknown origin");
    if (signerOf(note, keys) === undefined) return plain(403, "no known key of this origin has signed the checkpoint");
    const last = records.last(checkpoint.origin);
    if (last && checkpoint.size < last.size) this.#reportOnce("smaller", { ...submission, old: last.size }, keys);
    if (old > checkpoint.size) return plain(400, "the old size is larger than the size of the checkpoint");
    if (old !== (last?.size ?? 0)) return sizeOf(last?.size ?? 0);
    return this.#reject(submission, last, keys) ?? this.#cosign(submission, keys);
  }

  #reject(submission: Submission, last: Checkpoint | undefined, keys: readonly string[]): WitnessReply | undefined {
    const { old, proof, checkpoint } = submission;
    const { size, root } = checkpoint;
    const [before, now] = [last ? digestOf(last.root) : EMPTY_ROOT, digestOf(root)];
    if (old === size && now !== before) {
      this.#reportOnce("contradiction", submission, keys);
      if (proof.length === 0) return sizeOf(old);
    }
    const isProved =
      old === 0 ? proof.length === 0 : verifyConsistency({ size1: old, size2: size, root1: before, root2: now, proof });
    if (isProved) return undefined;
    if (old !== size) this.#reportOnce("unproved", submission, keys);
    return plain(422, "the proof does not show that the checkpoint appends to the last one that this witness cosigned");
  }

  #reportOnce(
    kind: "contradiction" | "unproved" | "smaller",
    { old, note, checkpoint }: Submission,
    keys: readonly string[],
  ): void {
    const text = `${kind} ${createHash("sha256").update(textOfNote(note)).digest("base64")}`;
    if (this.#reported.has(text)) return;
    if (this.#reported.size >= MAX_REPORTED) this.#reported.clear();
    this.#reported.add(text);
    const { origin, size } = checkpoint;
    this.#options.onEvent({ kind, origin, size, before: old, note: withOwnSignature(note, keys) });
  }

  async #cosign({ note, checkpoint }: Submission, keys: readonly string[]): Promise<WitnessReply> {
    const { own, records, onEvent, now = () => Math.floor(Date.now() / 1000) } = this.#options;
    const line = cosign(textOfNote(note), own, now());
    const isNew = records.last(checkpoint.origin)?.size !== checkpoint.size;
    await records.save(checkpoint, `${withOwnSignature(note, keys)}${line}`);
    if (isNew) onEvent({ kind: "cosigned", origin: checkpoint.origin, size: checkpoint.size });
    return { status: 200, type: "text/plain; charset=utf-8", text: line };
  }
}

/** The note with the one signature that verified: other lines of the sender could make the stored file unreadable. */
const withOwnSignature = (note: string, keys: readonly string[]): string => {
  const text = textOfNote(note);
  const lines = note
    .slice(text.length + 1)
    .split("\n")
    .filter(Boolean);
  const notes = lines.map((line) => `${text}\n${line}\n`);
  return notes.find((each) => signerOf(each, keys) !== undefined)!;
};
