/** The body of `add-checkpoint` (C2SP tlog-witness): the old size, a consistency proof, an empty line, a checkpoint. */
import { linesBehindRoot, readCheckpoint, type Checkpoint } from "../journal/integrity/checkpoints/signed-note.ts";
import { DIGEST_BYTES, digestOf, type Digest } from "../journal/integrity/merkle-tree.ts";

export type Submission = {
  readonly old: number;
  readonly proof: readonly Digest[];
  /** The whole signed note. */
  readonly note: string;
  readonly checkpoint: Checkpoint;
};

/** The limit of the specification; no tree needs more. */
const MAX_PROOF = 63;
const OLD = /^old (0|[1-9][0-9]{0,14})$/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f]/;
/** Lines that a log may add after the root of its checkpoint. */
const MAX_LINES = 16;

/** A text says why the body is invalid. */
export const readSubmission = (body: Buffer): Submission | string => {
  const text = utf8(body);
  if (text === undefined || CONTROL.test(text)) return "the body is not UTF-8 text, or it has control characters";
  const end = text.indexOf("\n\n");
  if (end < 0) return "the body has no empty line between the proof and the checkpoint";
  const [first = "", ...lines] = text.slice(0, end).split("\n");
  const old = OLD.exec(first)?.[1];
  if (old === undefined) return 'the first line must be "old", a space and a size';
  if (lines.length > MAX_PROOF) return `the proof has ${lines.length} lines; at most ${MAX_PROOF} are allowed`;
  const proof = lines.map((line) => Buffer.from(line, "base64"));
  const isProof = proof.every((bytes, at) => bytes.length === DIGEST_BYTES && bytes.toString("base64") === lines[at]);
  if (!isProof) return "a line of the proof is not a hash of 32 bytes in base64";
  const note = text.slice(end + 2);
  const checkpoint = readCheckpoint(note);
  if (!checkpoint) return "no signed checkpoint follows the empty line";
  if (linesBehindRoot(note).length > MAX_LINES) return `the checkpoint has more than ${MAX_LINES} lines after its root`;
  return { old: Number(old), proof: proof.map(digestOf), note, checkpoint };
};

const utf8 = (body: Buffer): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
};
