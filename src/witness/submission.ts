/** The body of `add-checkpoint` (C2SP tlog-witness): the old size, a consistency proof, an empty line, a checkpoint. */
import { linesBehindRoot, readCheckpoint, type Checkpoint } from "../journal/note.ts";
import { DIGEST_BYTES, digestOf, type Digest } from "../journal/tree.ts";

export type Submission = {
  readonly old: number;
  readonly proof: readonly Digest[];
  /** The whole signed note. */
  readonly note: string;
  readonly checkpoint: Checkpoint;
};

/** The specification's: more than any tree needs. */
const MOST_PROOF = 63;
const OLD = /^old (0|[1-9][0-9]{0,14})$/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f]/;
/** Of a checkpoint: lines that the log may add behind the root. */
const MOST_LINES = 16;

/** The submission, or in words why the body is none. */
export const readSubmission = (body: Buffer): Submission | string => {
  const text = utf8(body);
  if (text === undefined || CONTROL.test(text)) return "the body is not UTF-8 text, or has control characters";
  const end = text.indexOf("\n\n");
  if (end < 0) return "the body has no empty line between the proof and the checkpoint";
  const [first = "", ...lines] = text.slice(0, end).split("\n");
  const old = OLD.exec(first)?.[1];
  if (old === undefined) return "the first line must be the word old, a blank and a size";
  if (lines.length > MOST_PROOF) return `the proof has ${lines.length} lines; at most ${MOST_PROOF} are read`;
  const proof = lines.map((line) => Buffer.from(line, "base64"));
  const isProof = proof.every((bytes, at) => bytes.length === DIGEST_BYTES && bytes.toString("base64") === lines[at]);
  if (!isProof) return "a line of the proof is no hash of 32 bytes in base64";
  const note = text.slice(end + 2);
  const checkpoint = readCheckpoint(note);
  if (!checkpoint) return "what follows the empty line is no signed checkpoint";
  if (linesBehindRoot(note).length > MOST_LINES)
    return `the checkpoint has more than ${MOST_LINES} lines behind its root`;
  return { old: Number(old), proof: proof.map(digestOf), note, checkpoint };
};

const utf8 = (body: Buffer): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
};
