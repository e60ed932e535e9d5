/** Verifies C2SP signed notes, written from the specification, independently of the code that writes them. */
import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";

export type VerifierKey = { readonly name: string; readonly id: string; readonly key: KeyObject };

/** The content of a checkpoint's file. `root` in hex. */
export type Claim = {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  /** Signed by a key that is known from outside the directory. */
  readonly trusted?: boolean;
  /** Its name for messages, if it is not from the directory. */
  readonly name?: string;
  /** It states that the journal was restored: earlier published checkpoints cover lines that are lost. */
  readonly restored?: boolean;
};
export type Signed =
  | { readonly kind: "signed"; readonly by: VerifierKey }
  // has the name and the id of a known key, but an invalid signature
  | { readonly kind: "forged"; readonly by: VerifierKey }
  // has the name of a known key, but another id
  | { readonly kind: "other-key"; readonly name: string; readonly id: string }
  | { readonly kind: "unknown"; readonly names: readonly string[] };

/** Verifier keys, one per line. Throws when a line is not a verifier key. */
export const readVerifierKeys = (text: string): VerifierKey[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean)
    .map(readVerifierKey);

const readVerifierKey = (line: string): VerifierKey => {
  const [name = "", id = "", ...rest] = line.split("+");
  const typed = Buffer.from(rest.join("+"), "base64");
  if (name === "" || typed.length !== 33 || typed[0] !== 1)
    throw new Error("expected a verifier key: name+8 hex digits+base64 of an Ed25519 key");
  const expected = createHash("sha256").update(name).update("\n").update(typed).digest("hex").slice(0, 8);
  if (id !== expected)
    throw new Error(`the verifier key of ${name} says id ${id.slice(0, 8)}, its bytes give ${expected}`);
  return {
    name,
    id,
    key: createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: typed.subarray(1).toString("base64url") },
      format: "jwk",
    }),
  };
};

type Note = {
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: string; readonly bytes: Buffer }[];
};

/** Undefined when it is not a signed note. */
export const splitNote = (note: string): Note | undefined => {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return undefined;
  const signatures = [];
  for (const line of note.slice(split + 2, -1).split("\n")) {
    const [dash, name, encoded, ...more] = line.split(" ");
    if (dash !== "—" || !name || !encoded || more.length > 0) return undefined;
    const bytes = Buffer.from(encoded, "base64");
    if (bytes.length < 5 || bytes.toString("base64") !== encoded) return undefined;
    signatures.push({ name, id: bytes.subarray(0, 4).toString("hex"), bytes: bytes.subarray(4) });
  }
  return { text: note.slice(0, split + 1), signatures };
};

/**
 * Undefined when the text is not a checkpoint: origin, size in decimal, root in base64, then optional lines (C2SP
 * tlog-checkpoint).
 */
export const readClaim = (text: string): Claim | undefined => {
  const [origin, size = "", root = "", ...more] = text.slice(0, -1).split("\n");
  const bytes = Buffer.from(root, "base64");
  const isWhole =
    text.endsWith("\n") &&
    !!origin &&
    String(Number(size)) === size &&
    Number.isSafeInteger(Number(size)) &&
    bytes.length === 32;
  if (!isWhole || bytes.toString("base64") !== root || !more.every(Boolean)) return undefined;
  return {
    origin,
    size: Number(size),
    root: bytes.toString("hex"),
    ...(more.includes("restored") && { restored: true }),
  };
};

/** Ignores unknown signatures, as the specification requires; an invalid one of a known key invalidates the note. */
export const checkSignatures = ({ text, signatures }: Note, keys: readonly VerifierKey[]): Signed => {
  let signed: VerifierKey | undefined;
  for (const { name, id, bytes } of signatures) {
    const by = keys.find((key) => key.name === name && key.id === id);
    if (by && !verify(null, Buffer.from(text), by.key, bytes)) return { kind: "forged", by };
    signed ??= by;
  }
  if (signed) return { kind: "signed", by: signed };
  const sameName = signatures.find(({ name }) => keys.some((key) => key.name === name));
  return sameName
    ? { kind: "other-key", name: sameName.name, id: sameName.id }
    : { kind: "unknown", names: signatures.map(({ name }) => name) };
};
