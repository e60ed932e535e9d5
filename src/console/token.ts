/**
 * The admin API's token, left where only the gateway's own user can read it: in the journal's directory, beside the lock that says that this
 * process runs here. `ocsgw status` finds it there.
 */
import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const tokenFile = (auditDir: string): string => join(auditDir, "admin.token");

export const newToken = (): string => randomBytes(24).toString("base64url");

/** To be called by who holds the journal's lock: what an earlier process left is replaced. Resolves with the function that removes the file. */
export const leaveToken = async (auditDir: string, token: string): Promise<() => Promise<void>> => {
  const file = tokenFile(auditDir);
  await rm(file, { force: true });
  // Made anew, so that neither a link nor another's file is written through, nor kept with its rights.
  await writeFile(file, `${token}\n`, { mode: 0o600, flag: "wx" });
  return () => rm(file, { force: true });
};
