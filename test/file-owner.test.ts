import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { giveToOwner, giveToOwnerNow, makeFolders, makeFoldersNow } from "../src/file-owner.ts";
import { faultInWords } from "../src/system-error.ts";

const dir = mkdtempSync(join(tmpdir(), "ocsgw-file-owner-"));
afterAll(() => rmSync(dir, { recursive: true }));
const at = (name: string): string => join(dir, name);
const is = (name: string): string => { const { uid, gid, mode } = statSync(at(name)); return `${uid}:${gid} ${(mode & 0o777).toString(8)}`; };
const own = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;

describe("folders that are made", () => {
  it("are those that are missing, for their owner alone", async () => {
    expect(await makeFolders(at("a/b/c"))).toEqual([at("a"), at("a/b"), at("a/b/c")]);
    expect([is("a"), is("a/b/c")]).toEqual([`${own} 700`, `${own} 700`]);
    expect(await makeFolders(at("a/b/c"))).toEqual([]);
    makeFoldersNow(at("a/b/d/e"));
    expect(is("a/b/d/e")).toBe(`${own} 700`);
    await Promise.all([makeFolders(at("at-once/x")), makeFolders(at("at-once/x"))]);
    expect(is("at-once/x")).toBe(`${own} 700`);
  });

  it.each([
    ["a file in their place", () => { writeFileSync(at("file"), ""); return at("file"); }, /file: it is there already$/],
    ["a file on the way", () => at("file/below"), /part of the path is not a directory$/],
    ["a file system that takes none", () => "/proc/ocsgw/below", /^cannot make \/proc\/ocsgw: there is no such file$/],
  ])("are refused, and soon, for %s", async (_, path, says) => {
    const place = path();
    const fault = await makeFolders(place).then(() => undefined, (error: unknown) => error);
    expect(faultInWords(fault)).toMatch(says);
  });
});

describe.skipIf(process.getuid?.() !== 0)("what root makes", () => {
  it("is given to the owner of the folder, or of what it replaces", async () => {
    makeFoldersNow(at("theirs"));
    chownSync(at("theirs"), 4321, 4322);
    makeFoldersNow(at("theirs/x/y"));
    expect([is("theirs/x"), is("theirs/x/y")]).toEqual(["4321:4322 700", "4321:4322 700"]);
    await makeFolders(at("theirs/z/y"));
    expect(is("theirs/z/y")).toBe("4321:4322 700");
    for (const name of ["old", "theirs/new", "theirs/now", "other"]) writeFileSync(at(name), "", { mode: 0o600 });
    chownSync(at("old"), 4400, 4401);
    const give = (name: string) => (uid: number, gid: number): Promise<void> => Promise.resolve(chownSync(at(name), uid, gid));
    await giveToOwner(at("theirs/new"), give("theirs/new"));
    await giveToOwner(at("other"), give("other"), at("old"));
    giveToOwnerNow(at("theirs/now"));
    expect([is("theirs/new"), is("other"), is("theirs/now")]).toEqual(["4321:4322 600", "4400:4401 600", "4321:4322 600"]);
  });
});
