/**
 * Requests a cosignature of one checkpoint from a witness (C2SP tlog-witness, `add-checkpoint`). A reply counts only if
 * it has a signature by the witness's key. A size in the reply only decides which proof is sent next.
 */
import { reasonOf } from "../../errors.ts";
import { readCheckpoint, textOfNote } from "../checkpoints/signed-note.ts";
import { digestBytes } from "../merkle-tree.ts";
import { checkCosignature, readSignatureLines, type WitnessKey } from "../../verify/bundle/cosignature.mjs";
import { postTo, sendWithin, type Reply, type Send } from "./ask.ts";
import type { ConsistencyProofs } from "./consistency.ts";

export type Submitting = {
  readonly proofs: Pick<ConsistencyProofs, "of">;
  /** The submission prefix; `/add-checkpoint` is appended. */
  readonly url: string;
  readonly key: WitnessKey;
  /** The signed checkpoint. */
  readonly note: string;
  /** The size that the witness cosigned last, as far as known. */
  readonly old: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Default: HTTP to `url`. */
  readonly send?: Send | undefined;
};

export type Submitted =
  /** `line`: with its line break. `lost`: the size that the witness named, if it had cosigned more before. */
  | { readonly kind: "cosigned"; readonly line: string; readonly lost: number | undefined }
  /** The witness claims to have cosigned more entries than this checkpoint has. */
  | { readonly kind: "ahead"; readonly size: number }
  /** The witness cosigned another history of the first `size` entries. */
  | { readonly kind: "contradiction"; readonly size: number }
  /** No cosignature, for a reason unrelated to the journal. */
  | { readonly kind: "away"; readonly reason: string };

const SIZE_TYPE = "text/x.tlog.size";
/** 16 signatures of ML-DSA-44 have 53 KiB. */
const MOST_BYTES = 64 << 10;

/** Never rejects. */
export const submitCheckpoint = async (submitting: Submitting): Promise<Submitted> => {
  const { size } = readCheckpoint(submitting.note)!;
  const old = Math.min(submitting.old, size);
  try {
    const first = await post(submitting, old);
    const reported = reportedSize(first);
    if (reported === undefined) return await judge(submitting, first, { old });
    if (reported > size) return { kind: "ahead", size: reported };
    // The witness names the size that was sent. For the checkpoint's own size this means that it has another root. For
    // a smaller size it means nothing: a witness answers 422 to an invalid proof.
    if (reported === old)
      return reported === size && size > 0
        ? { kind: "contradiction", size }
        : { kind: "away", reason: `it answered 409 with ${reported}, the size in the request` };
    const second = await post(submitting, reported);
    const again = reportedSize(second);
    if (again === undefined)
      return await judge(submitting, second, { old: reported, lost: reported < old ? reported : undefined });
    if (again > size) return { kind: "ahead", size: again };
    return again === reported && reported === size
      ? { kind: "contradiction", size }
      : { kind: "away", reason: `it said that it had cosigned ${reported} entries, and then ${again}` };
  } catch (error) {
    return { kind: "away", reason: reasonOf(error) };
  }
};

/** The address for the submission prefix, with or without a trailing slash; a query is kept. */
export const addCheckpointOf = (url: string): string => {
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/+$/, "")}/add-checkpoint`;
  return address.href;
};

const post = async (submitting: Submitting, old: number): Promise<Reply> => {
  const { proofs, url, note, timeoutMs, signal, send } = submitting;
  const proof = await proofs.of(old, readCheckpoint(note)!);
  const lines = proof.map((digest) => `${digestBytes(digest).toString("base64")}\n`).join("");
  const body = `old ${old}\n${lines}\n${note}`;
  if (send) return sendWithin(timeoutMs, send, body, signal);
  return postTo({
    url: addCheckpointOf(url),
    body,
    contentType: "text/plain; charset=utf-8",
    timeoutMs,
    mostBytes: MOST_BYTES,
    signal,
  });
};

/** The size in a 409 reply; undefined for other replies. */
const reportedSize = ({ status, type, body }: Reply): number | undefined => {
  const text = body.toString("latin1");
  return status === 409 && type === SIZE_TYPE && /^(0|[1-9]\d{0,14})\n$/.test(text) ? Number(text) : undefined;
};

type Asked = { readonly old: number; readonly lost?: number | undefined };

const judge = async ({ note, key }: Submitting, { status, body }: Reply, { old, lost }: Asked): Promise<Submitted> => {
  switch (status) {
    case 200:
      return cosignatureOf(body.toString(), { note, key, lost });
    // The proof was verified against the journal's own checkpoint before it was sent.
    case 422:
      return { kind: "contradiction", size: old };
    case 403:
      return {
        kind: "away",
        reason: "it does not accept the signature (403): it has another key for this journal's origin",
      };
    case 404:
      return {
        kind: "away",
        reason:
          "it does not know this journal (404): its operator needs the line of checkpoint.pub, or the url is wrong",
      };
    case 409:
      return { kind: "away", reason: "it answered 409 without the size that it cosigned last" };
    default:
      return { kind: "away", reason: `it answered ${status}` };
  }
};

type Wanted = { readonly note: string; readonly key: WitnessKey; readonly lost: number | undefined };

/** Ignores signatures by others, as the specification requires. */
const cosignatureOf = (text: string, { note, key, lost }: Wanted): Submitted => {
  const signatures = readSignatureLines(text);
  if (!signatures) return { kind: "away", reason: "it answered 200 with something that is no list of signatures" };
  const own = signatures.filter(({ name, id }) => name === key.name && id === key.id);
  if (own.length === 0)
    return { kind: "away", reason: `it answered without a cosignature by ${key.name}+${key.id}: it has another key` };
  for (const signature of own) {
    const { verdict } = checkCosignature(textOfNote(note), signature, key);
    if (verdict === "valid") return { kind: "cosigned", line: `${signature.line}\n`, lost };
    if (verdict === "unchecked")
      return { kind: "away", reason: "its cosignature is by ML-DSA-44, which this version of Node cannot check" };
  }
  return { kind: "away", reason: `its cosignature by ${key.name}+${key.id} does not verify for this checkpoint` };
};
