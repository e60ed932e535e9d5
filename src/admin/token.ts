/**
 * The admin API's token, in a file that only the gateway's own user can read: in the journal's directory, beside the
 * lock of this process. `ocsgw status` reads it there.
 */
import { randomBytes } from "node:crypto";
import { lchown, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { giveToOwner } from "../common/file-owner.ts";

export const tokenFile = (auditDir: string): string => join(auditDir, "admin.token");

/** 24 random bytes in base64url. */
export const newToken = (): string => randomBytes(24).toString("base64url");

/** The admin listener's URL: if the config asks for any free port, only this file has the port. */
export const urlFile = (auditDir: string): string => join(auditDir, "admin.url");

/**
 * Writes the token and the URL, and replaces files of an earlier process. To be called by the holder of the journal's
 * lock. Resolves to a function that removes the files.
 */
export const leaveToken = async (auditDir: string, token: string, url: string): Promise<() => Promise<void>> => {
  const remove = async (): Promise<void> =>
    void (await Promise.all([tokenFile(auditDir), urlFile(auditDir)].map((file) => rm(file, { force: true }))));
  await remove();
  // New files, so that the token is not written through a link or into a file that another user can read.
  for (const [file, text] of [
    [tokenFile(auditDir), token],
    [urlFile(auditDir), url],
  ] as const) {
    await writeFile(file, `${text}\n`, { mode: 0o600, flag: "wx" });
    await giveToOwner(file, (uid, gid) => lchown(file, uid, gid));
  }
  return remove;
};
