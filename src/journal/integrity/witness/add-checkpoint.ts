/**
 * Asks a witness for its cosignature of one checkpoint (C2SP tlog-witness, `add-checkpoint`). What the witness
 * answers is believed only where it is signed by the witness's key; a size that it names decides which proof it
 * gets next, and nothing else.
 */
import { reasonOf } from "../broken.ts";
import { readCheckpoint, textOfNote } from "../note.ts";
import { digestBytes } from "../tree.ts";
import { checkCosignature, readSignatureLines, type WitnessKey } from "../verify/cosignature.mjs";
import { ask, type Reply } from "./ask.ts";
import type { ConsistencyProofs } from "./consistency.ts";

export type Submitting = {
  readonly proofs: Pick<ConsistencyProofs, "of">;
  /** The submission prefix: `add-checkpoint` is put behind it. */
  readonly url: string;
  readonly key: WitnessKey;
  /** The signed checkpoint. */
  readonly note: string;
  /** The size that the witness cosigned last, as far as is known. */
  readonly old: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

export type Submitted =
  /** `line`: with its line break. `lost`: the smaller size that the witness named, where it had cosigned more. */
  | { readonly kind: "cosigned"; readonly line: string; readonly lost: number | undefined }
  /** It says that it cosigned more entries than this checkpoint has. */
  | { readonly kind: "ahead"; readonly size: number }
  /** It cosigned another history. `size`: how many entries of it. */
  | { readonly kind: "contradiction"; readonly size: number }
  /** No cosignature, for a reason that says nothing about the journal. */
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
    const told = toldSize(first);
    if (told === undefined) return await judge(submitting, first, { old });
    if (told > size) return { kind: "ahead", size: told };
    // The size that was asked with: for the checkpoint's own size the witness has another root, and for a smaller one
    // (it answers 422 to a proof that is wrong) it says nothing.
    if (told === old)
      return told === size && size > 0
        ? { kind: "contradiction", size }
        : { kind: "away", reason: `it answered 409 with ${told}, the size that it was asked with` };
    const second = await post(submitting, told);
    const again = toldSize(second);
    if (again === undefined) return await judge(submitting, second, { old: told, lost: told < old ? told : undefined });
    if (again > size) return { kind: "ahead", size: again };
    return again === told && told === size
      ? { kind: "contradiction", size }
      : { kind: "away", reason: `it said that it had cosigned ${told} entries, and then ${again}` };
  } catch (error) {
    return { kind: "away", reason: reasonOf(error) };
  }
};

/** Behind the submission prefix, with or without a slash at its end; a query stays behind the path. */
export const addCheckpointOf = (url: string): string => {
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/+$/, "")}/add-checkpoint`;
  return address.href;
};

const post = async ({ proofs, url, note, timeoutMs, signal }: Submitting, old: number): Promise<Reply> => {
  const proof = await proofs.of(old, readCheckpoint(note)!);
  const lines = proof.map((digest) => `${digestBytes(digest).toString("base64")}\n`).join("");
  return ask({
    url: addCheckpointOf(url),
    body: `old ${old}\n${lines}\n${note}`,
    contentType: "text/plain; charset=utf-8",
    timeoutMs,
    mostBytes: MOST_BYTES,
    signal,
  });
};

/** Undefined for every other answer. */
const toldSize = ({ status, type, body }: Reply): number | undefined => {
  const text = body.toString("latin1");
  return status === 409 && type === SIZE_TYPE && /^(0|[1-9]\d{0,14})\n$/.test(text) ? Number(text) : undefined;
};

type Asked = { readonly old: number; readonly lost?: number | undefined };

const judge = async ({ note, key }: Submitting, { status, body }: Reply, { old, lost }: Asked): Promise<Submitted> => {
  switch (status) {
    case 200:
      return cosignatureOf(body.toString(), { note, key, lost });
    // The proof was held against the journal's own checkpoint before it was sent.
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

/** Signatures of others are passed over, as the specification asks. */
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
