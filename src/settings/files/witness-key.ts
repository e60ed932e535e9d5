/** A witness's verifier key as it stands in a config: C2SP signed-note, with the types of tlog-cosignature. */
import { createHash } from "node:crypto";
import { z } from "zod";

/** Bytes of a key, by the type's byte in front of it. */
const BYTES: Readonly<Record<number, number>> = { 0x04: 32, 0x06: 1312 };

const EXPECTED = "expected the verifier key of a witness: name+8 hex digits+base64, as ocsgw witness prints it";

/** In words what is wrong with it; undefined when nothing is. */
export const witnessKeyFault = (line: string): string | undefined => {
  const [name = "", id = "", ...rest] = line.split("+");
  const encoded = rest.join("+");
  const typed = Buffer.from(encoded, "base64");
  const [type = 0] = typed;
  if (name === "" || /[\s\p{Cc}]/u.test(name) || typed.length === 0 || typed.toString("base64") !== encoded)
    return EXPECTED;
  if (type === 0x01)
    return `${EXPECTED}; this one signs checkpoints (type 0x01), so it is a journal's own${converted(name, typed)}`;
  if (BYTES[type] === undefined)
    return (
      `${EXPECTED}; this one is of type 0x${type.toString(16).padStart(2, "0")}, ` +
      `and 0x04 (Ed25519) and 0x06 (ML-DSA-44) are known`
    );
  if (typed.length !== 1 + BYTES[type])
    return `${EXPECTED}; a key of this type has ${BYTES[type]} bytes, this one ${typed.length - 1}`;
  const own = idOf(name, typed);
  return own === id
    ? undefined
    : `${EXPECTED}; it says id ${id.slice(0, 8)}, and its bytes give ${own}: a part of it was changed or cut`;
};

const idOf = (name: string, typed: Buffer): string =>
  createHash("sha256").update(`${name}\n`).update(typed).digest("hex").slice(0, 8);

/** Some witnesses publish their key in the form of a log's. */
const converted = (name: string, typed: Buffer): string => {
  if (typed.length !== 33) return "";
  const own = Buffer.concat([Buffer.of(0x04), typed.subarray(1)]);
  return `. Where a witness published its Ed25519 key in this form, write ${name}+${idOf(name, own)}+${own.toString("base64")}`;
};

/** The key's 32 bytes in base64url, where it is an Ed25519 key. */
export const ed25519Of = (line: string): string | undefined => {
  const typed = Buffer.from(line.split("+").slice(2).join("+"), "base64");
  return typed[0] === 0x04 ? typed.subarray(1).toString("base64url") : undefined;
};

export const witnessKey = z.string({ error: EXPECTED }).superRefine((line, context) => {
  const fault = witnessKeyFault(line);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});
