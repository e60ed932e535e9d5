/** The signed checkpoint of a bundle (C2SP signed note) and the keys that can have signed it. */
import { createPublicKey, verify } from "node:crypto";
import { FILES, parse, readSmall } from "./bundle-files.mjs";
import { sha256 } from "./bundle-tree.mjs";

/** `name+8 hex digits+base64 of 0x01 and an Ed25519 key`. Throws if it is not. */
export const readKey = (text) => {
  const [name, id, ...rest] = text.trim().split("+");
  const typed = Buffer.from(rest.join("+"), "base64");
  if (!name || typed.length !== 33 || typed[0] !== 1)
    throw new Error("expected a verifier key: name+8 hex digits+base64 of an Ed25519 key");
  if (sha256(`${name}\n`, typed).toString("hex").slice(0, 8) !== id)
    throw new Error(`the verifier key of ${name} does not have the id ${id}`);
  return {
    name,
    id,
    key: createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: typed.subarray(1).toString("base64url") },
      format: "jwk",
    }),
  };
};

/** The checkpoint with its signer; a text if it is not a checkpoint or its signature is invalid. */
export const readCheckpoint = (note, keys, file = FILES.checkpoint) => {
  const split = note.lastIndexOf("\n\n");
  const [origin, size, root] = note.slice(0, split).split("\n");
  const text = note.slice(0, split + 1);
  const hash = Buffer.from(root ?? "", "base64");
  if (split < 0 || !/^[1-9]\d{0,14}$/.test(size ?? "") || hash.length !== 32)
    return `${file} does not contain a checkpoint`;
  const signatures = note
    .slice(split + 2)
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "));
  let by;
  for (const [, name, encoded = ""] of signatures) {
    const bytes = Buffer.from(encoded, "base64");
    const key = keys.find((each) => each.name === name && each.id === bytes.subarray(0, 4).toString("hex"));
    if (key && !verify(null, Buffer.from(text), key.key, bytes.subarray(4)))
      return (
        `the signature of the checkpoint in ${file} is not that of ${key.name}+${key.id}: the checkpoint was ` +
        "changed after signing"
      );
    by ??= key;
  }
  if (by && by.name !== origin) return `the checkpoint belongs to ${origin}, but is signed by the key of ${by.name}`;
  return { origin, size: Number(size), root: hash, by, names: signatures.map(([, name]) => name) };
};

export const keysIn = (dir) => {
  const keys = parse(readSmall(dir, FILES.keys))?.keys;
  if (!Array.isArray(keys) || keys.some((each) => typeof each !== "string"))
    throw new Error(`${FILES.keys} does not contain a list of keys`);
  return keys.map(readKey);
};
