/**
 * Reads only the settings that commands need to reach a running gateway: the admin listener and the journal's
 * directory. The rest of the file may be invalid, so that `status` still works after a bad edit.
 */
import { dirname, resolve } from "node:path";
import { gatherParts } from "./rules/parsed-parts.ts";
import { valueAt } from "./schema/schema-problems.ts";
import { audit } from "./schema/audit.ts";
import { interpolate } from "./interpolate.ts";
import { originOf, textOf, type Origin } from "./files/origin.ts";
import { mapPaths } from "./schema/schema-tree.ts";
import type { Settings } from "./schema/schema.ts";
import { readYaml } from "./yaml.ts";

/** `auditDir` and `checkpointKey` are undefined if invalid. */
export type PartialSettings = {
  readonly admin: Settings["admin"];
  readonly auditDir: string | undefined;
  readonly checkpointKey?: string | undefined;
};

type At = { admin?: Settings["admin"]; audit: { dir?: string; checkpoint: { key?: string } } };

/** Undefined for an unreadable file. */
export const partialLoad = async (file: string, env?: Origin["env"]): Promise<PartialSettings | undefined> => {
  const text = await textOf(file);
  if (typeof text !== "string") return undefined;
  const { value } = readYaml(text, (each) => interpolate(each, originOf(file, env)));
  if (typeof value !== "object" || value === null) return undefined;
  const { admin } = gatherParts({ admin: valueAt(value, ["admin"]) }, { whole: false });
  // Parses each key separately, because the command's user may be unable to read the section's secrets.
  const dir = audit.shape.dir.safeParse(valueAt(value, ["audit", "dir"])).data;
  const key = audit.shape.checkpoint.shape.key.safeParse(valueAt(value, ["audit", "checkpoint", "key"])).data;
  const at = mapPaths({ admin: admin?.value, audit: { dir, checkpoint: { key } } }, (path) =>
    resolve(dirname(resolve(file)), path),
  ) as At;
  return { admin: at.admin ?? null, auditDir: at.audit.dir, checkpointKey: at.audit.checkpoint.key };
};
