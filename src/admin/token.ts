/**
 * The admin API's token, left where only the gateway's own user can read it: in the journal's directory, beside the lock that says that this
 * process runs here. `ocsgw status` finds it there.
 */
import { randomBytes } from "node:crypto";
import { lchown, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { giveToOwner } from "../file-owner.ts";

export const tokenFile = (auditDir: string): string => join(auditDir, "admin.token");

export const newToken = (): string => randomBytes(24).toString("base64url");

/** Where the admin listener is: of a config that asks for any free port, nothing else tells. */
export const urlFile = (auditDir: string): string => join(auditDir, "admin.url");

/** To be called by who holds the journal's lock: what an earlier process left is replaced. Resolves with the function that removes the files. */
export const leaveToken = async (auditDir: string, token: string, url: string): Promise<() => Promise<void>> => {
  const remove = async (): Promise<void> =>
    void (await Promise.all([tokenFile(auditDir), urlFile(auditDir)].map((file) => rm(file, { force: true }))));
  await remove();
  // Made anew, so that neither a link nor another's file is written through, nor kept with its rights.
  for (const [file, text] of [
    [tokenFile(auditDir), token],
    [urlFile(auditDir), url],
  ] as const) {
    await writeFile(file, `${text}\n`, { mode: 0o600, flag: "wx" });
    await giveToOwner(file, (uid, gid) => lchown(file, uid, gid));
  }
  return remove;
};
