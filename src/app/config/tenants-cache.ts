/**
 * A cache of what was parsed from the files in `tenants.d`, kept beside the journal for the next start: parsing ten
 * thousand tenants takes seconds, checking them a fraction of one. It has parsed YAML only, by the hash of each file's
 * text; every rule is applied again. A user who can write to the journal's directory could plant tenants, so the file
 * is authenticated (HMAC-SHA-256) with a secret derived from the checkpoint key. If that key lies in the same
 * directory, there is no cache.
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync } from "node:fs";
import { lchown, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { giveToOwner } from "../../common/file-owner.ts";
import { loadKey } from "../../journal/integrity/checkpoints/checkpoint.ts";
import { folderOf } from "../../settings/files/config-text.ts";
import { partialLoad } from "../../settings/partial-load.ts";
import { YAML_FORMAT } from "../../settings/yaml.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { isInside } from "../wiring/journal/is-inside.ts";
import type { Content } from "./parsed-cache.ts";
import { VERSION } from "../version.ts";

/** The journal's directory, and the file of the key that signs its checkpoints. */
export type CachePlace = { readonly auditDir: string; readonly checkpointKey: string };

const MOST_BYTES = 1 << 29;

export const cacheIn = (auditDir: string): string => join(auditDir, "tenants.cache");

/** Undefined where the key does not exist yet, or lies in the journal's directory, where it would protect nothing. */
const secretOf = async ({ auditDir, checkpointKey }: CachePlace): Promise<Uint8Array | undefined> => {
  const signer = (await isInside(checkpointKey, auditDir)) ? undefined : await loadKey(checkpointKey);
  if (!signer) return undefined;
  const key = signer.export({ format: "der", type: "pkcs8" });
  // Another version may parse YAML differently.
  return new Uint8Array(hkdfSync("sha256", key, "", `ocs-gateway: parsed tenants, ${VERSION}, ${YAML_FORMAT}`, 32));
};

const macOf = (secret: Uint8Array, body: string): Buffer => createHmac("sha256", secret).update(body).digest();

/** Reads the cache for this config file. Empty where it is missing or its HMAC is invalid. Never rejects. */
export const readTenantsCache = async (config: string): Promise<Content["parsed"]> => {
  // Without `tenants.d` there is no cache, and reading a config file that has all tenants takes seconds.
  if (!existsSync(folderOf(config))) return [];
  try {
    const { auditDir, checkpointKey } = (await partialLoad(config)) ?? {};
    if (auditDir === undefined || checkpointKey === undefined || !existsSync(cacheIn(auditDir))) return [];
    const secret = await secretOf({ auditDir, checkpointKey });
    const text = secret && (await readSmallFile(cacheIn(auditDir), MOST_BYTES));
    if (!secret || !text || !/^[0-9a-f]{64}\n/.test(text.slice(0, 65))) return [];
    const body = text.slice(65);
    return timingSafeEqual(Buffer.from(text.slice(0, 64), "hex"), macOf(secret, body))
      ? (JSON.parse(body) as Content["parsed"])
      : [];
  } catch {
    return [];
  }
};

/** Writes the cache atomically. Resolves to false where there is no cache; rejects when the file cannot be written. */
export const writeTenantsCache = async (
  place: CachePlace,
  { text, parsed }: Pick<Content, "text" | "parsed">,
): Promise<boolean> => {
  const secret = await secretOf(place);
  const wanted = new Set(text.tenants.map(({ hash }) => hash));
  if (!secret || wanted.size === 0) return false;
  const body = JSON.stringify(parsed.filter(([hash]) => wanted.has(hash)));
  const file = cacheIn(place.auditDir);
  const beside = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(beside, `${macOf(secret, body).toString("hex")}\n${body}`, { mode: 0o600, flag: "wx" });
    await giveToOwner(file, (uid, gid) => lchown(beside, uid, gid));
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  return true;
};
