/**
 * Verifies cosignatures of witnesses: C2SP tlog-cosignature, Ed25519 (type 0x04) and ML-DSA-44 (type 0x06). It needs
 * only Node (20 or later), because bundles contain it. If Node lacks ML-DSA, such a cosignature is `unchecked`, never
 * valid.
 */
import { createHash, createPublicKey, verify } from "node:crypto";

const ED25519 = 0x04;
const ML_DSA_44 = 0x06;
const KEY_BYTES = { [ED25519]: 32, [ML_DSA_44]: 1312 };
const SIGNATURE_BYTES = { [ED25519]: 64, [ML_DSA_44]: 2420 };
const TIME_BYTES = 8;
/**
 * The end of the year 9999: RFC 3339 has no later time. The specification allows 2^63 - 1, and rejecting times in the
 * future.
 */
const LATEST = 253_402_300_799n;
/** The limit for one note (C2SP signed-note requires at least 16). */
const MOST_SIGNATURES = 64;

const EXPECTED =
  "expected a witness's verifier key: name+8 hex digits+base64 of 0x04 and an Ed25519 key, or of 0x06 and an " +
  "ML-DSA-44 key";

/** `name+8 hex digits+base64 of the type's byte and the key`. Throws an error that says what is wrong with it. */
export const readWitnessKey = (line) => {
  const [name = "", id = "", ...rest] = line.trim().split("+");
  const encoded = rest.join("+");
  const typed = Buffer.from(encoded, "base64");
  const type = typed[0];
  if (name === "" || /\s/u.test(name) || typed.toString("base64") !== encoded) throw new Error(EXPECTED);
  if (type === 1)
    throw new Error(`the key of ${name} is one that signs checkpoints (type 0x01), and no witness's (0x04 or 0x06)`);
  if (typed.length !== 1 + KEY_BYTES[type]) throw new Error(EXPECTED);
  const own = createHash("sha256").update(`${name}\n`).update(typed).digest("hex").slice(0, 8);
  if (own !== id) throw new Error(`the witness key of ${name} says id ${id.slice(0, 8)}, its bytes give ${own}`);
  return { name, id, type, key: keyOf(type, typed.subarray(1)), raw: typed.subarray(1).toString("base64") };
};

/**
 * One per line; repeated lines are ignored. Throws when one is not a key, and when two cannot be distinguished: an
 * Ed25519 cosignature does not name its witness, so one key under two names would count twice for a quorum.
 */
export const readWitnessKeys = (text) => {
  const lines = new Set(text.split(/\r?\n/).map((line) => line.trim()));
  lines.delete("");
  const keys = [...lines].map(readWitnessKey);
  const seen = new Map();
  for (const { name, id, raw } of keys) {
    const own = `${name}+${id}`;
    const same = seen.get(raw) ?? seen.get(own);
    if (same !== undefined)
      throw new Error(`the witness keys ${same} and ${own} are one key or have one name and id: give only one of them`);
    seen.set(raw, own).set(own, own);
  }
  return keys;
};

/** Throws when a witness has the journal's own key: the signer of the journal is not a witness. `own`: trusted keys. */
export const requireOthers = (witnesses, own) => {
  const rawOf = ({ key }) => Buffer.from(key.export({ format: "jwk" }).x, "base64url").toString("base64");
  const raws = new Set(own.map(rawOf));
  const same = witnesses.find(({ raw }) => raws.has(raw));
  if (same)
    throw new Error(`the witness key ${same.name}+${same.id} is the journal's own: its cosignatures prove nothing`);
};

/** Undefined if this Node does not support the algorithm. */
const keyOf = (type, bytes) => {
  const text = bytes.toString("base64url");
  const jwk = type === ED25519 ? { kty: "OKP", crv: "Ed25519", x: text } : { kty: "AKP", alg: "ML-DSA-44", pub: text };
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    return undefined;
  }
};

/** Text and signatures of a note; undefined when it is not a note. */
export const splitCosigned = (note) => {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return undefined;
  const lines = note.slice(split + 2, -1).split("\n");
  const signatures = lines.length > MOST_SIGNATURES ? [] : lines.map(readSignature);
  return signatures.length === 0 || signatures.includes(undefined)
    ? undefined
    : { text: note.slice(0, split + 1), signatures };
};

/** Undefined when it is not a signature line. */
const readSignature = (line) => {
  const [dash, name, encoded, ...more] = line.split(" ");
  const bytes = Buffer.from(encoded ?? "", "base64");
  if (dash !== "—" || !name || more.length > 0 || bytes.length < 5 || bytes.toString("base64") !== encoded)
    return undefined;
  return { name, id: bytes.subarray(0, 4).toString("hex"), bytes: bytes.subarray(4), line };
};

/** The signature lines of a reply; undefined when one of them is invalid, or there are too many. */
export const readSignatureLines = (text) => {
  const lines = text.endsWith("\n") ? text.slice(0, -1).split("\n") : [];
  const signatures = lines.length > MOST_SIGNATURES ? [] : lines.map(readSignature);
  return signatures.length === 0 || signatures.includes(undefined) ? undefined : signatures;
};

/**
 * Verifies one signature with the witness's key. `time`: seconds since 1970, 0 if an ML-DSA witness states none. A
 * signature of the wrong length is invalid, even if this Node does not support the algorithm.
 */
export const checkCosignature = (text, { bytes }, { name, type, key }) => {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES[type]) return { verdict: "invalid", time: 0 };
  const stamp = bytes.readBigUInt64BE();
  const time = Number(stamp);
  if (stamp > LATEST) return { verdict: "invalid", time: 0 };
  if (key === undefined) return { verdict: "unchecked", time };
  const message =
    type === ED25519 ? Buffer.from(`cosignature/v1\ntime ${stamp}\n${text}`) : subtreeMessage(text, name, stamp);
  const isValid = message !== undefined && verify(null, message, key, bytes.subarray(TIME_BYTES));
  return { verdict: isValid ? "valid" : "invalid", time };
};

const SUBTREE = "subtree/v1\n\0";
/** Its length is one byte. */
const LONGEST_NAME = 255;

/** `cosigned_message` of the specification; undefined when the text is not a checkpoint. */
const subtreeMessage = (text, name, stamp) => {
  const [origin = "", size = "", root = ""] = text.split("\n");
  const hash = Buffer.from(root, "base64");
  const isFit = [name, origin].every((text) => text !== "" && Buffer.byteLength(text) <= LONGEST_NAME);
  if (!isFit || !/^(0|[1-9]\d{0,14})$/.test(size) || hash.length !== 32) return undefined;
  return Buffer.concat([
    Buffer.from(SUBTREE),
    lengthFirst(name),
    number(stamp),
    lengthFirst(origin),
    number(0n),
    number(BigInt(size)),
    hash,
  ]);
};

const lengthFirst = (text) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
};

const number = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};

/**
 * The cosignatures in a note: one row for each known key, with its best one, and the names of other keys. The log's own
 * signatures are not cosignatures: `log` recognizes them.
 */
export const cosignaturesIn = (note, keys, log = () => false) => {
  const split = splitCosigned(note);
  const rows = new Map();
  const unknownKeys = new Set();
  for (const signature of split?.signatures ?? []) {
    const { name, id } = signature;
    const key = keys.find((each) => each.name === name && each.id === id);
    if (key) {
      const row = { name, id, ...checkCosignature(split.text, signature, key) };
      // An invalid one is reported, whatever others there are.
      if (rows.get(`${name}+${id}`)?.verdict !== "invalid") rows.set(`${name}+${id}`, row);
    } else if (!log(signature)) unknownKeys.add(`${name}+${id}`);
  }
  return { rows: [...rows.values()], unknownKeys: [...unknownKeys] };
};
