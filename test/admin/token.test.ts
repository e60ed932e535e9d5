import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaveToken, newToken, tokenFile } from "../../src/admin/token.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-token-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("the admin token", () => {
  it("differs each time and is too long to be guessed", () => {
    expect(new Set([newToken(), newToken(), newToken()]).size).toBe(3);
    expect(newToken()).toMatch(/^[\w-]{32}$/);
  });

  it("is readable by its owner only, and is deleted when the gateway stops", async () => {
    const remove = await leaveToken(dir, "a token", "http://127.0.0.1:9640");
    expect([await readFile(tokenFile(dir), "utf8"), (await stat(tokenFile(dir))).mode & 0o777]).toEqual([
      "a token\n",
      0o600,
    ]);
    await remove();
    await expect(stat(tokenFile(dir))).rejects.toThrow("ENOENT");
    await remove();
  });

  it("replaces a file that a crash left, with its own permissions", async () => {
    await writeFile(tokenFile(dir), "an old one");
    await chmod(tokenFile(dir), 0o644);
    await leaveToken(dir, "a token", "http://127.0.0.1:9640");
    expect([await readFile(tokenFile(dir), "utf8"), (await stat(tokenFile(dir))).mode & 0o777]).toEqual([
      "a token\n",
      0o600,
    ]);
  });

  it("is not written through a link", async () => {
    await writeFile(join(dir, "elsewhere"), "untouched");
    await symlink(join(dir, "elsewhere"), tokenFile(dir));
    await leaveToken(dir, "a token", "http://127.0.0.1:9640");
    expect(await readFile(join(dir, "elsewhere"), "utf8")).toBe("untouched");
  });
});
