import type { KeyObject } from "node:crypto";

export type WitnessKey = {
  readonly name: string;
  /** 8 hex digits. */
  readonly id: string;
  /** 0x04 Ed25519, 0x06 ML-DSA-44. */
  readonly type: number;
  /** Undefined if this Node does not support the algorithm. */
  readonly key: KeyObject | undefined;
  /** The key's bytes, in base64. */
  readonly raw: string;
};

export type NoteSignature = {
  readonly name: string;
  readonly id: string;
  readonly bytes: Buffer;
  readonly line: string;
};

/** `unchecked`: this Node does not support the algorithm. `time`: seconds since 1970. */
export type Checked = { readonly verdict: "valid" | "invalid" | "unchecked"; readonly time: number };

export type CosignatureRow = Checked & { readonly name: string; readonly id: string };

export declare const readWitnessKey: (line: string) => WitnessKey;
/** Throws when two of them cannot be distinguished. */
export declare const readWitnessKeys: (text: string) => WitnessKey[];
/** Throws when a witness has the journal's own key. */
export declare const requireOthers: (
  witnesses: readonly WitnessKey[],
  own: readonly { readonly key: KeyObject }[],
) => void;
export declare const splitCosigned: (
  note: string,
) => { readonly text: string; readonly signatures: readonly NoteSignature[] } | undefined;
export declare const readSignatureLines: (text: string) => readonly NoteSignature[] | undefined;
export declare const checkCosignature: (
  text: string,
  signature: Pick<NoteSignature, "bytes">,
  key: WitnessKey,
) => Checked;
export declare const cosignaturesIn: (
  note: string,
  keys: readonly WitnessKey[],
  log?: (signature: NoteSignature) => boolean,
) => { readonly rows: readonly CosignatureRow[]; readonly unknownKeys: readonly string[] };
