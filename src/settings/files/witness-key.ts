/** A witness's verifier key in a config: C2SP signed-note, with the key types of tlog-cosignature. */
import { createHash } from "node:crypto";
import { z } from "zod";

/** Key type (the byte before the key) → length of the key in bytes. */
const BYTES: Readonly<Record<number, number>> = { 0x04: 32, 0x06: 1312 };

const EXPECTED = "expected the verifier key of a witness: name+8 hex digits+base64, as ocsgw witness prints it";

/** What is wrong with the key; undefined for a valid one. */
export const witnessKeyFault = (line: string): string | undefined => {
  const [name = "", id = "", ...rest] = line.split("+");
  const encoded = rest.join("+");
  const typed = Buffer.from(encoded, "base64");
  const [type = 0] = typed;
  if (name === "" || /[\s\p{Cc}]/u.test(name) || typed.length === 0 || typed.toString("base64") !== encoded)
    return EXPECTED;
  if (type === 0x01)
    return `${EXPECTED}; this is the key of a journal, which signs checkpoints (type 0x01)${converted(name, typed)}`;
  if (BYTES[type] === undefined)
    return (
      `${EXPECTED}; this key has type 0x${type.toString(16).padStart(2, "0")}, but only 0x04 (Ed25519) and 0x06 ` +
      "(ML-DSA-44) are supported"
    );
  if (typed.length !== 1 + BYTES[type])
    return (
      `${EXPECTED}; a key of this type has ${BYTES[type]} bytes, but this one has ${typed.length - 1}: it is ` +
      "truncated"
    );
  const own = idOf(name, typed);
  return own === id
    ? undefined
    : `${EXPECTED}; the id ${id.slice(0, 8)} does not match the key, whose id is ${own}: the line was changed or ` +
        "truncated";
};

const idOf = (name: string, typed: Buffer): string =>
  createHash("sha256").update(`${name}\n`).update(typed).digest("hex").slice(0, 8);

/** Some witnesses publish their key in the format of a journal's key: suggests the correct format. */
const converted = (name: string, typed: Buffer): string => {
  if (typed.length !== 33) return "";
  const own = Buffer.concat([Buffer.of(0x04), typed.subarray(1)]);
  return (
    ". If a witness published its Ed25519 key in this form, write " +
    `${name}+${idOf(name, own)}+${own.toString("base64")}`
  );
};

/** The 32 bytes of an Ed25519 key in base64url; undefined for other types. */
export const ed25519Of = (line: string): string | undefined => {
  const typed = Buffer.from(line.split("+").slice(2).join("+"), "base64");
  return typed[0] === 0x04 ? typed.subarray(1).toString("base64url") : undefined;
};

export const witnessKey = z.string({ error: EXPECTED }).superRefine((line, context) => {
  const fault = witnessKeyFault(line);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});
