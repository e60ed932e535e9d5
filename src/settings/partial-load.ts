/** Where a running gateway can be asked, from its config file, also while the rest of the file is not valid: a bad edit must not blind who looks. */
import { dirname, resolve } from "node:path";
import { gather } from "./facts.ts";
import { valueAt } from "./issues.ts";
import { audit } from "./schema-audit.ts";
import { fill } from "./fill.ts";
import { originOf, textOf, type Origin } from "./origin.ts";
import { mapPaths } from "./outline.ts";
import type { Settings } from "./schema.ts";
import { readYaml } from "./yaml.ts";

/** `auditDir` and `checkpointKey` are undefined where they are not valid. */
export type Glimpse = {
  readonly admin: Settings["admin"];
  readonly auditDir: string | undefined;
  readonly checkpointKey?: string | undefined;
};

type At = { admin?: Settings["admin"]; audit: { dir?: string; checkpoint: { key?: string } } };

/** Undefined when nothing can be read of it. */
export const glimpse = async (file: string, env?: Origin["env"]): Promise<Glimpse | undefined> => {
  const text = await textOf(file);
  if (typeof text !== "string") return undefined;
  const { value } = readYaml(text, (each) => fill(each, originOf(file, env)));
  if (typeof value !== "object" || value === null) return undefined;
  const { admin } = gather({ admin: valueAt(value, ["admin"]) }, { whole: false });
  // By themselves: a secret of this section that whoever asks may not read is no reason to look elsewhere for the token.
  const dir = audit.shape.dir.safeParse(valueAt(value, ["audit", "dir"])).data;
  const key = audit.shape.checkpoint.shape.key.safeParse(valueAt(value, ["audit", "checkpoint", "key"])).data;
  const at = mapPaths({ admin: admin?.value, audit: { dir, checkpoint: { key } } }, (path) =>
    resolve(dirname(resolve(file)), path),
  ) as At;
  return { admin: at.admin ?? null, auditDir: at.audit.dir, checkpointKey: at.audit.checkpoint.key };
};
