/**
 * An API key: `ocsgw_<id>_<secret>_<check>`. The id finds its line in the keys file. The check (CRC-32 of the text
 * before it) lets secret scanners and users recognize a leaked or mistyped key offline.
 */
import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** Without i l o u, which are easily misread. */
const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";
const KEY = /^(ocsgw_([0-9a-hjkmnp-tv-z]{8})_[A-Za-z0-9_-]{43})_([0-9a-f]{8})$/;

export const KEY_PREFIX = "ocsgw_";

export type NewKey = { readonly id: string; readonly key: string; readonly hash: string };

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0");

export const createKey = (): NewKey => {
  const id = [...randomBytes(8)].map((byte) => BASE32[byte % 32]).join("");
  const body = `ocsgw_${id}_${randomBytes(32).toString("base64url")}`;
  const key = `${body}_${checksum(body)}`;
  return { id, key, hash: hashOfKey(key) };
};

/**
 * `sha256:<hex>` of the whole key. A slow hash protects passwords that people choose; a key has 256 random bits, which
 * cannot be guessed, so one fast SHA-256 is enough.
 */
export const hashOfKey = (key: string): string => `sha256:${createHash("sha256").update(key, "utf8").digest("hex")}`;

/** The id in a valid key; undefined for a mistyped key or another text. */
export const idOfKey = (key: string): string | undefined => {
  const [, body, id, check] = KEY.exec(key) ?? [];
  return body !== undefined && check === checksum(body) ? id : undefined;
};
