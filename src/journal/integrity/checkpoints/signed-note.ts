/**
 * C2SP signed notes with Ed25519 and the text of C2SP tlog-checkpoint, so that other tools can read and verify a
 * checkpoint. A verifier key is `<name>+<key id, 8 hex digits>+<base64 of 0x01 and the public key>`, as Go's
 * sumdb/note writes it.
 */
import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";

export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

const ED25519 = 0x01;

/** Throws if the origin cannot be the name of a key. */
export const requireKeyName = (origin: string): void => {
  // eslint-disable-next-line no-control-regex
  if (origin === "" || /[\s+\u0000-\u001f\u007f]/u.test(origin))
    throw new Error(
      `checkpoint origin ${JSON.stringify(origin)}: expected a name without blanks and +, such as ` +
        "ocsgw.example.com/main",
    );
};

const typedKey = (key: KeyObject): Buffer => {
  const { crv, x } = createPublicKey(key).export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new Error("checkpoint key: expected an Ed25519 key");
  return Buffer.concat([Buffer.of(ED25519), Buffer.from(x, "base64url")]);
};

const keyId = (name: string, typed: Uint8Array): Buffer =>
  createHash("sha256").update(`${name}\n`).update(typed).digest().subarray(0, 4);

export const verifierKey = (origin: string, key: KeyObject): string => {
  const typed = typedKey(key);
  return `${origin}+${keyId(origin, typed).toString("hex")}+${typed.toString("base64")}`;
};

export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;

/** The whole signed note. `more`: extension lines after the root (C2SP tlog-checkpoint), which are signed too. */
export const signCheckpoint = (checkpoint: Checkpoint, key: KeyObject, more: readonly string[] = []): string =>
  signNote(checkpointText(checkpoint) + more.map((line) => `${line}\n`).join(""), checkpoint.origin, key);

/** A signed note of any text that ends with a line break, in the name of `origin`. */
export const signNote = (text: string, origin: string, key: KeyObject): string => {
  const signature = Buffer.concat([keyId(origin, typedKey(key)), sign(null, Buffer.from(text), key)]);
  return `${text}\n— ${origin} ${signature.toString("base64")}\n`;
};

const COSIGNATURE = 0x04;

const cosigner = (key: KeyObject): Buffer => Buffer.concat([Buffer.of(COSIGNATURE), typedKey(key).subarray(1)]);

/** The verifier key of a witness with this Ed25519 key (C2SP tlog-cosignature, type 0x04). */
export const witnessKey = (name: string, key: KeyObject): string => {
  const typed = cosigner(key);
  return `${name}+${keyId(name, typed).toString("hex")}+${typed.toString("base64")}`;
};

export type Cosigner = { readonly name: string; /** Ed25519, private. */ readonly key: KeyObject };

/**
 * The signature line of a witness for a checkpoint's text (C2SP tlog-cosignature v1), with its line break. `time`:
 * seconds since 1970. It states that at that time this was the largest tree of the log that the witness had seen, and
 * that it extends all smaller ones that the witness saw.
 */
export const cosign = (text: string, { name, key }: Cosigner, time: number): string => {
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(time));
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), key);
  return `— ${name} ${Buffer.concat([keyId(name, cosigner(key)), stamp, signature]).toString("base64")}\n`;
};

/** The signed part of a note. */
export const textOfNote = (note: string): string => note.slice(0, note.lastIndexOf("\n\n") + 1);

/** The text of a note that only this key signed in the name of `origin`; undefined otherwise. */
export const openNote = (note: string, origin: string, key: KeyObject): string | undefined => {
  const split = note.lastIndexOf("\n\n");
  const text = note.slice(0, split + 1);
  const [dash, name, encoded = "", ...more] = note.slice(split + 2, -1).split(" ");
  const signature = Buffer.from(encoded, "base64");
  const isOurs =
    split > 0 &&
    note.endsWith("\n") &&
    dash === "—" &&
    name === origin &&
    more.length === 0 &&
    signature.toString("base64") === encoded &&
    signature.subarray(0, 4).equals(keyId(origin, typedKey(key)));
  return isOurs && verify(null, Buffer.from(text), createPublicKey(key), signature.subarray(4)) ? text : undefined;
};

const NOTE = /^([^\n]+)\n(0|[1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)\n((?:— [^\n]+\n)+)$/;

/** The checkpoint in a note, without verifying the signature; undefined if it is not a checkpoint. */
export const readCheckpoint = (note: string): Checkpoint | undefined => {
  const parts = NOTE.exec(note);
  return parts ? { origin: parts[1]!, size: Number(parts[2]), root: Buffer.from(parts[3]!, "base64") } : undefined;
};

/** The extra lines after the root. */
export const linesBehindRoot = (note: string): readonly string[] =>
  NOTE.exec(note)?.[4]?.split("\n").filter(Boolean) ?? [];

/** The given verifier key that signed the note for its origin; undefined if none did. Invalid keys are ignored. */
export const signerOf = (note: string, keys: readonly string[]): string | undefined => {
  const [, origin, , , , signatures = ""] = NOTE.exec(note) ?? [];
  const text = Buffer.from(note.slice(0, note.lastIndexOf("\n\n") + 1));
  const made = signatures.split("\n").flatMap((line) => signatureIn(line, origin!) ?? []);
  return keys.find((line) => {
    const key = readVerifierKey(line);
    const own = key?.name === origin ? made.filter((bytes) => bytes.subarray(0, 4).equals(key!.id)) : [];
    return own.some((bytes) => verify(null, text, publicKey(key!.typed), bytes.subarray(4)));
  });
};

/**
 * Key id and signature of a line in this name; undefined for other lines. A line with text after the base64, or with
 * non-canonical base64, is not a signature line; other verifiers would not accept it either.
 */
const signatureIn = (line: string, origin: string): Buffer | undefined => {
  const [dash, name, encoded = "", ...more] = line.split(" ");
  const bytes = Buffer.from(encoded, "base64");
  const isWhole = dash === "—" && name === origin && more.length === 0 && bytes.toString("base64") === encoded;
  return isWhole ? bytes : undefined;
};

/** Name and key id of a verifier key for checkpoints; undefined if the line is not such a key. */
export const nameOfKey = (line: string): { readonly name: string; readonly id: string } | undefined => {
  const key = readVerifierKey(line);
  return key && { name: key.name, id: key.id.toString("hex") };
};

type VerifierKey = {
  readonly name: string;
  readonly id: Buffer;
  /** The algorithm's number, then the key. */ readonly typed: Buffer;
};

const readVerifierKey = (line: string): VerifierKey | undefined => {
  const [name = "", id, ...rest] = line.split("+");
  const typed = Buffer.from(rest.join("+"), "base64");
  return typed.length === 33 && typed[0] === ED25519 && keyId(name, typed).toString("hex") === id
    ? { name, id: keyId(name, typed), typed }
    : undefined;
};

const publicKey = (typed: Buffer): KeyObject =>
  createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: typed.subarray(1).toString("base64url") }, format: "jwk" });
