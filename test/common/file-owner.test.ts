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
} from "../../src/common/file-owner.ts";
import { nodeDisk, replaceWhole } from "../../src/journal/disk.ts";
import { checkpointSink } from "../../src/journal/integrity/checkpoints/checkpoint-sink.ts";
import { addToFile } from "../../src/settings/files/revocations-file.ts";
import { faultInWords } from "../../src/common/system-error.ts";

const dir = mkdtempSync(join(tmpdir(), "ocsgw-file-owner-"));
afterAll(() => rmSync(dir, { recursive: true }));
const at = (name: string): string => join(dir, name);
const is = (name: string): string => {
  const { uid, gid, mode } = statSync(at(name));
  return `${uid}:${gid} ${(mode & 0o777).toString(8)}`;
};
const own = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;

describe("making missing directories", () => {
  it("makes them with access for their owner only", async () => {
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
      "a file with the directory's name",
      () => {
        writeFileSync(at("file"), "");
        return at("file");
      },
      /file: it exists already$/,
    ],
    ["a file within the path", () => at("file/below"), /part of the path is not a directory$/],
    [
      "a file system that rejects directories",
      () => "/proc/ocsgw/below",
      /^cannot make \/proc\/ocsgw: there is no such file$/,
    ],
  ])("fails quickly for %s", async (_, path, says) => {
    const place = path();
    const fault = await makeFolders(place).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(faultInWords(fault)).toMatch(says);
  });
});

describe.skipIf(process.getuid?.() !== 0)("a file that root writes", () => {
  it("gets the owner of its directory, or of the file that it replaces", async () => {
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

describe.skipIf(process.getuid?.() !== 0)("a symbolic link in a directory of the service's user", () => {
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
    ["a revocation", "revocations.jsonl", (link) => addToFile(link, { decisions: [decision], journalled: [] })],
    ["a file of the journal", "1.jsonl", (link) => nodeDisk.open(link, "create")],
    ["what is to replace a file", "mark.tmp", (link) => replaceWhole(nodeDisk, link.slice(0, -4), Buffer.from("new"))],
    ["a checkpoint sink", "notes", (link) => checkpointSink({ kind: "file", path: link }).deliver("note")],
    ["a database", "live.sqlite", (link) => refuseLinkNow(link)],
  ])("is not followed when root writes %s", async (_, name, act) => {
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
        `${link} is a symbolic link in a directory that other users can change; root does not follow such links: ` +
          "remove it",
      );
      expect(statSync(roots).uid).toBe(0);
      if (isThere) expect([readFileSync(aim, "utf8"), statSync(aim).uid]).toEqual(["root's", 0]);
      else expect(statSync(aim, { throwIfNoEntry: false })).toBeUndefined();
    }
  });

  it("is not followed when root gives files away", async () => {
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

  it("is followed in a directory that only root can change", async () => {
    const { aim, roots } = prepare("other");
    symlinkSync(aim, join(roots, "revocations.jsonl"));
    await addToFile(join(roots, "revocations.jsonl"), { decisions: [decision], journalled: [] });
    expect(readFileSync(aim, "utf8")).toContain('"id":"crm"');
    await nodeDisk.open(join(roots, "revocations.jsonl"), "create").then((file) => file.close());
  });

  it("is followed if the operator named it as the directory to give away", () => {
    const { aim, link } = prepare("ocsgw");
    mkdirSync(aim);
    writeFileSync(join(aim, "lock"), "");
    symlinkSync("/etc/hostname", join(aim, "kept"));
    giveFolderNow(link, SERVICE, true);
    expect([aim, join(aim, "lock")].map((path) => statSync(path).uid)).toEqual([4321, 4321]);
    expect([statSync("/etc/hostname").uid, lstatSync(join(aim, "kept")).uid]).toEqual([0, 0]);
  });
});
