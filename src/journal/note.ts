/**
 * C2SP signed notes with Ed25519 and the text of C2SP tlog-checkpoint, so that tools that are not ours can read and verify a checkpoint.
 * A verifier key is `<name>+<key id, 8 hex digits>+<base64 of 0x01 and the public key>`, as Go's sumdb/note writes it.
 */
import { createHash, createPublicKey, sign, type KeyObject } from "node:crypto";

export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

const ED25519 = 0x01;

/** Throws when the origin cannot be a key's name. */
export const requireKeyName = (origin: string): void => {
  // eslint-disable-next-line no-control-regex
  if (origin === "" || /[\s+\u0000-\u001f\u007f]/u.test(origin)) throw new Error(`checkpoint origin ${JSON.stringify(origin)}: expected a name without blanks and +, such as ocsgw.example.com/main`);
};

const typedKey = (key: KeyObject): Buffer => {
  const { crv, x } = createPublicKey(key).export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new Error("checkpoint key: expected an Ed25519 key");
  return Buffer.concat([Buffer.of(ED25519), Buffer.from(x, "base64url")]);
};

const keyId = (name: string, typed: Uint8Array): Buffer => createHash("sha256").update(`${name}\n`).update(typed).digest().subarray(0, 4);

export const verifierKey = (origin: string, key: KeyObject): string => {
  const typed = typedKey(key);
  return `${origin}+${keyId(origin, typed).toString("hex")}+${typed.toString("base64")}`;
};

export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;

/** The whole signed note. */
export const signCheckpoint = (checkpoint: Checkpoint, key: KeyObject): string => {
  const text = checkpointText(checkpoint);
  const signature = Buffer.concat([keyId(checkpoint.origin, typedKey(key)), sign(null, Buffer.from(text), key)]);
  return `${text}\n— ${checkpoint.origin} ${signature.toString("base64")}\n`;
};

/** What a note says, without asking whether it is signed; undefined when it is no checkpoint. */
export const readCheckpoint = (note: string): Checkpoint | undefined => {
  const parts = /^([^\n]+)\n(0|[1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+$/.exec(note);
  return parts ? { origin: parts[1]!, size: Number(parts[2]), root: Buffer.from(parts[3]!, "base64") } : undefined;
};
