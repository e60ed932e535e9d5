import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  giveFolderNow,
  giveToOwner,
  giveToOwnerNow,
  makeFolders,
  makeFoldersNow,
  refuseLinkNow,
} from "../src/file-owner.ts";
import { nodeDisk, replaceWhole } from "../src/journal/disk.ts";
import { secondPlace } from "../src/journal/second-place.ts";
import { addToFile } from "../src/settings/revocations-file.ts";
import { faultInWords } from "../src/system-error.ts";

const dir = mkdtempSync(join(tmpdir(), "ocsgw-file-owner-"));
afterAll(() => rmSync(dir, { recursive: true }));
const at = (name: string): string => join(dir, name);
const is = (name: string): string => {
  const { uid, gid, mode } = statSync(at(name));
  return `${uid}:${gid} ${(mode & 0o777).toString(8)}`;
};
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
    [
      "a file in their place",
      () => {
        writeFileSync(at("file"), "");
        return at("file");
      },
      /file: it is there already$/,
    ],
    ["a file on the way", () => at("file/below"), /part of the path is not a directory$/],
    ["a file system that takes none", () => "/proc/ocsgw/below", /^cannot make \/proc\/ocsgw: there is no such file$/],
  ])("are refused, and soon, for %s", async (_, path, says) => {
    const place = path();
    const fault = await makeFolders(place).then(
      () => undefined,
      (error: unknown) => error,
    );
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
    const give =
      (name: string) =>
      (uid: number, gid: number): Promise<void> =>
        Promise.resolve(chownSync(at(name), uid, gid));
    await giveToOwner(at("theirs/new"), give("theirs/new"));
    await giveToOwner(at("other"), give("other"), at("old"));
    giveToOwnerNow(at("theirs/now"));
    expect([is("theirs/new"), is("other"), is("theirs/now")]).toEqual([
      "4321:4322 600",
      "4400:4401 600",
      "4321:4322 600",
    ]);
  });
});

describe.skipIf(process.getuid?.() !== 0)("a link that the service's user made in its own folder", () => {
  const SERVICE = { uid: 4321, gid: 4322 };
  /** `roots`: where only root writes. `theirs`: the service's folder, with a link to there of each name. */
  const prepare = (name: string): { readonly link: string; readonly aim: string; readonly roots: string } => {
    const folder = mkdtempSync(join(dir, "links-"));
    const [roots, theirs] = [join(folder, "roots"), join(folder, "theirs")];
    for (const each of [roots, theirs]) mkdirSync(each, { mode: 0o700 });
    chownSync(theirs, SERVICE.uid, SERVICE.gid);
    const [aim, link] = [join(roots, "aim"), join(theirs, name)];
    symlinkSync(aim, link);
    return { link, aim, roots };
  };
  const decision = { kind: "client", id: "crm", lifted: false, until: null } as const;

  it.each<[string, string, (link: string) => unknown]>([
    ["a revocation", "revocations.jsonl", (link) => addToFile(link, { decisions: [decision], journalled: false })],
    ["a file of the journal", "1.jsonl", (link) => nodeDisk.open(link, "create")],
    ["what is to replace a file", "mark.tmp", (link) => replaceWhole(nodeDisk, link.slice(0, -4), Buffer.from("new"))],
    ["a second place of checkpoints", "notes", (link) => secondPlace({ kind: "file", path: link }).deliver("note")],
    ["a database", "live.sqlite", (link) => refuseLinkNow(link)],
  ])("is not written through: %s", async (_, name, act) => {
    for (const isThere of [true, false]) {
      const { link, aim, roots } = prepare(name);
      if (isThere) writeFileSync(aim, "root's");
      const fault = await Promise.resolve()
        .then(() => act(link))
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      expect(faultInWords(fault)).toBe(
        `${link} is a link in a folder that others than root can change, and root writes through no such link: remove it`,
      );
      expect(statSync(roots).uid).toBe(0);
      if (isThere) expect([readFileSync(aim, "utf8"), statSync(aim).uid]).toEqual(["root's", 0]);
      else expect(statSync(aim, { throwIfNoEntry: false })).toBeUndefined();
    }
  });

  it("gives nothing away that it leads to", async () => {
    const { link, aim, roots } = prepare("link");
    writeFileSync(aim, "root's", { mode: 0o600 });
    giveToOwnerNow(link);
    expect([statSync(aim).uid, lstatSync(link).uid]).toEqual([0, 4321]);
    const folder = prepare("segments");
    mkdirSync(folder.aim);
    writeFileSync(join(folder.aim, "shadow"), "root's");
    giveFolderNow(folder.link, SERVICE);
    await makeFolders(join(folder.link, "..", "segments"));
    expect([folder.roots, folder.aim, join(folder.aim, "shadow"), roots].map((path) => statSync(path).uid)).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it("is written through where only root can have made it", async () => {
    const { aim, roots } = prepare("other");
    symlinkSync(aim, join(roots, "revocations.jsonl"));
    await addToFile(join(roots, "revocations.jsonl"), { decisions: [decision], journalled: false });
    expect(readFileSync(aim, "utf8")).toContain('"id":"crm"');
    await nodeDisk.open(join(roots, "revocations.jsonl"), "create").then((file) => file.close());
  });

  it("leads the operator's own name of a folder to what is given", () => {
    const { aim, link } = prepare("ocsgw");
    mkdirSync(aim);
    writeFileSync(join(aim, "lock"), "");
    symlinkSync("/etc/hostname", join(aim, "kept"));
    giveFolderNow(link, SERVICE, true);
    expect([aim, join(aim, "lock")].map((path) => statSync(path).uid)).toEqual([4321, 4321]);
    expect([statSync("/etc/hostname").uid, lstatSync(join(aim, "kept")).uid]).toEqual([0, 0]);
  });
});
