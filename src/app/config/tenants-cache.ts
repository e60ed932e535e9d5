/**
 * What was parsed of the files in `tenants.d`, kept beside the journal from one start to the next: to parse ten thousand
 * tenants takes seconds, and to check them a fraction of one. Only what YAML says is kept, by the hash of each file's
 * text; every rule is applied again. Whoever can write in the journal's directory could plant tenants, so the file is
 * authenticated (HMAC-SHA-256) with a secret from the checkpoint key, and none is kept where that key lies there too.
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync } from "node:fs";
import { lchown, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { giveToOwner } from "../file-owner.ts";
import { loadKey } from "../journal/checkpoint.ts";
import { folderOf } from "../settings/config-text.ts";
import { glimpse } from "../settings/glimpse.ts";
import { YAML_FORMAT } from "../settings/yaml.ts";
import { readSmallFile } from "../small-file.ts";
import { isInside } from "./inside.ts";
import type { Content } from "./kept.ts";
import { VERSION } from "./version.ts";

/** Where the journal is, and the file of the key that signs its checkpoints. */
export type CachePlace = { readonly auditDir: string; readonly checkpointKey: string };

const MOST_BYTES = 1 << 29;

export const cacheIn = (auditDir: string): string => join(auditDir, "tenants.cache");

/** Undefined where the key is not there yet, or lies where it would prove nothing. */
const secretOf = async ({ auditDir, checkpointKey }: CachePlace): Promise<Uint8Array | undefined> => {
  const signer = (await isInside(checkpointKey, auditDir)) ? undefined : await loadKey(checkpointKey);
  if (!signer) return undefined;
  const key = signer.export({ format: "der", type: "pkcs8" });
  // Another version may read YAML in another way.
  return new Uint8Array(hkdfSync("sha256", key, "", `ocs-gateway: parsed tenants, ${VERSION}, ${YAML_FORMAT}`, 32));
};

const macOf = (secret: Uint8Array, body: string): Buffer => createHmac("sha256", secret).update(body).digest();

/** The cache for this config file. Empty where it is missing or its HMAC is invalid. Never rejects. */
export const readTenantsCache = async (config: string): Promise<Content["parsed"]> => {
  // To look into a config that holds all tenants itself takes seconds.
  if (!existsSync(folderOf(config))) return [];
  try {
    const { auditDir, checkpointKey } = (await glimpse(config)) ?? {};
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

/** Whole or not at all. Resolves to false where none is kept; rejects when it cannot be written. */
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
