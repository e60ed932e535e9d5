/**
 * A witness for other people's logs, as C2SP tlog-witness describes it: it cosigns a checkpoint only when that
 * appends to the one that it cosigned before. So a journal that was cut back, rewritten or shown in two versions
 * gets no cosignature any more.
 */
import { createHash } from "node:crypto";
import { cosign, signerOf, textOfNote, type Checkpoint, type Cosigner } from "../journal/note.ts";
import { digestOf, EMPTY_ROOT, verifyConsistency } from "../journal/tree.ts";
import type { Records } from "./records.ts";
import { readSubmission, type Submission } from "./submission.ts";
import { faultInWords } from "../system-error.ts";

export type Answer = {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 500;
  readonly type: "text/plain; charset=utf-8" | "text/x.tlog.size";
  readonly text: string;
};

/** A log may have several keys: one that replaces another is added. */
export type Logs = () => Promise<ReadonlyMap<string, readonly string[]>>;

export type WitnessNews =
  /** More entries than before: the same checkpoint, sent again, is cosigned and not told. */
  | { readonly kind: "cosigned"; readonly origin: string; readonly size: number }
  /**
   * Signed by the log's own key, and told once. `contradiction`: another root for the size that was cosigned, which is
   * evidence against the log. `unproved`: the proof does not fit; the log has another history, or whoever sent it (that
   * need not be the log) sent a wrong proof. `note`: with the log's signature alone.
   */
  | {
      readonly kind: "contradiction" | "unproved";
      readonly origin: string;
      readonly size: number;
      readonly before: number;
      readonly note: string;
    }
  | { readonly kind: "failed"; readonly reason: string };

export type WitnessOptions = {
  readonly own: Cosigner;
  readonly records: Records;
  /** Verifier keys by origin. */
  readonly logs: Logs;
  readonly tell: (news: WitnessNews) => void;
  /** Seconds since 1970. */
  readonly now?: () => number;
};

const plain = (status: Answer["status"], text: string): Answer => ({
  status,
  type: "text/plain; charset=utf-8",
  text: `${text}\n`,
});
/** Of this many checkpoints it is known that they were told. */
const MOST_TOLD = 10_000;

const sizeOf = (size: number): Answer => ({ status: 409, type: "text/x.tlog.size", text: `${size}\n` });

export class Witness {
  readonly #options: WitnessOptions;
  /** Texts that were told as not cosigned: anybody can send a public checkpoint again and again. */
  readonly #toldOf = new Set<string>();
  /** One at a time: what is compared with the last checkpoint is also what replaces it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  add(body: Buffer): Promise<Answer> {
    const answer = this.#turn
      .then(() => this.#add(body))
      .catch((error: unknown) => {
        this.#options.tell({ kind: "failed", reason: faultInWords(error) });
        return plain(500, "the witness cannot keep its record, so it does not cosign");
      });
    this.#turn = answer;
    return answer;
  }

  async #add(body: Buffer): Promise<Answer> {
    const submission = readSubmission(body);
    if (typeof submission === "string") return plain(400, submission);
    const { old, note, checkpoint } = submission;
    const { records, logs } = this.#options;
    const keys = (await logs()).get(checkpoint.origin);
    if (!keys) return plain(404, "this witness does not know a log with this origin");
    if (signerOf(note, keys) === undefined)
      return plain(403, "the checkpoint is not signed by a key that this witness has for its origin");
    if (old > checkpoint.size) return plain(400, "the old size is larger than the checkpoint's");
    const last = records.of(checkpoint.origin);
    if (old !== (last?.size ?? 0)) return sizeOf(last?.size ?? 0);
    return this.#refusal(submission, last, keys) ?? this.#cosign(submission, keys);
  }

  #refusal(submission: Submission, last: Checkpoint | undefined, keys: readonly string[]): Answer | undefined {
    const { old, proof, checkpoint } = submission;
    const { size, root } = checkpoint;
    const [before, now] = [last ? digestOf(last.root) : EMPTY_ROOT, digestOf(root)];
    if (old === size && now !== before) {
      this.#tellOnce("contradiction", submission, keys);
      if (proof.length === 0) return sizeOf(old);
    }
    const isProved =
      old === 0 ? proof.length === 0 : verifyConsistency({ size1: old, size2: size, root1: before, root2: now, proof });
    if (isProved) return undefined;
    if (old !== size) this.#tellOnce("unproved", submission, keys);
    return plain(
      422,
      "the proof does not show that the checkpoint appends to the one that this witness cosigned before",
    );
  }

  #tellOnce(kind: "contradiction" | "unproved", { old, note, checkpoint }: Submission, keys: readonly string[]): void {
    const text = `${kind} ${createHash("sha256").update(textOfNote(note)).digest("base64")}`;
    if (this.#toldOf.has(text)) return;
    if (this.#toldOf.size >= MOST_TOLD) this.#toldOf.clear();
    this.#toldOf.add(text);
    const { origin, size } = checkpoint;
    this.#options.tell({ kind, origin, size, before: old, note: withOwnSignature(note, keys) });
  }

  async #cosign({ note, checkpoint }: Submission, keys: readonly string[]): Promise<Answer> {
    const { own, records, tell, now = () => Math.floor(Date.now() / 1000) } = this.#options;
    const line = cosign(textOfNote(note), own, now());
    const isNew = records.of(checkpoint.origin)?.size !== checkpoint.size;
    await records.keep(checkpoint, `${withOwnSignature(note, keys)}${line}`);
    if (isNew) tell({ kind: "cosigned", origin: checkpoint.origin, size: checkpoint.size });
    return { status: 200, type: "text/plain; charset=utf-8", text: line };
  }
}

/**
 * The note with the one signature that verified: whatever else was sent with it would stand in the record, and a
 * line that is none would make that one unreadable.
 */
const withOwnSignature = (note: string, keys: readonly string[]): string => {
  const text = textOfNote(note);
  const lines = note
    .slice(text.length + 1)
    .split("\n")
    .filter(Boolean);
  const notes = lines.map((line) => `${text}\n${line}\n`);
  return notes.find((each) => signerOf(each, keys) !== undefined)!;
};
