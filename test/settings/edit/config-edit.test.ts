import { mkdtempSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigEdit, writeConfig } from "../../../src/settings/edit/config-edit.ts";

const SAMPLE = new URL("../../../config/", import.meta.url).pathname;
const GAMMA = "# ours\n- name: Gamma Tenant\n  dbid: 103   # gamma\n  upstream: ocs-main\n  records: unscoped\n";

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "ocsgw-edit-"));
  file = join(dir, "ocsgw.yaml");
  for (const name of ["ocsgw.yaml", "keys.yaml"])
    writeFileSync(join(dir, name), readFileSync(join(SAMPLE, name)), { mode: 0o640 });
  mkdirSync(join(dir, "tenants.d"));
  writeFileSync(join(dir, "tenants.d/gamma.yaml"), GAMMA);
  writeFileSync(join(dir, "tenants.d/delta.yaml"), "tenants:\n  - { name: Delta, dbid: 104, upstream: ocs-main }\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("an edit of a config", () => {
  it("names tenants as the settings do, those of tenants.d after the config's own", async () => {
    const edit = await ConfigEdit.open(file);
    expect(edit.tenants().map(({ path, file: of, value }) => [path, of, value.dbid])).toEqual([
      [["tenants", 0], file, 101],
      [["tenants", 1], file, 102],
      [["tenants", 2], join(dir, "tenants.d/delta.yaml"), 104],
      [["tenants", 3], join(dir, "tenants.d/gamma.yaml"), 103],
    ]);
  });

  it("writes each tenant in its own file, and only the files that it changes", async () => {
    const edit = await ConfigEdit.open(file);
    edit.set(["tenants", 3, "lists"], ["Gamma List"]);
    edit.set(["tenants", 2, "mode"], "observe");
    edit.set(["tenants", 0, "dbid"], 101);
    const [gamma, delta] = [join(dir, "tenants.d/gamma.yaml"), join(dir, "tenants.d/delta.yaml")];
    expect(edit.diff()).toBe(
      `--- ${delta}\n+++ ${delta}\n@@ -1,2 +1,2 @@\n tenants:\n` +
        "-  - { name: Delta, dbid: 104, upstream: ocs-main }\n" +
        "+  - { name: Delta, dbid: 104, upstream: ocs-main, mode: observe }\n" +
        `--- ${gamma}\n+++ ${gamma}\n@@ -3,3 +3,4 @@\n   dbid: 103   # gamma\n   upstream: ocs-main\n` +
        `   records: unscoped\n` +
        "+  lists: [Gamma List]\n",
    );
    expect(await writeConfig(edit)).toEqual([delta, gamma]);
    expect(readFileSync(gamma, "utf8")).toBe(`${GAMMA}  lists: [Gamma List]\n`);
    expect(readFileSync(file, "utf8")).toBe(readFileSync(join(SAMPLE, "ocsgw.yaml"), "utf8"));
  });

  it("finds a tenant of tenants.d after another was added to the config file", async () => {
    const edit = await ConfigEdit.open(file);
    expect(edit.addTenant({ name: "New", dbid: 105, upstream: "ocs-main" })).toEqual(["tenants", 2]);
    edit.set(["tenants", 4, "share"], 2);
    expect(edit.get(["tenants", 4, "name"])).toBe("Gamma Tenant");
    expect(edit.changes().map(({ file: of }) => of)).toEqual([file, join(dir, "tenants.d/gamma.yaml")]);
    expect(() => edit.get(["tenants", 5, "name"])).toThrow("the config has no tenant 5");
  });

  it("is checked by the code of check, with the place in the edited text", async () => {
    const edit = await ConfigEdit.open(file);
    edit.set(["tenants", 0, "lists"], ["a/b"]);
    const loaded = edit.check({});
    expect(loaded.ok).toBe(false);
    const at =
      readFileSync(file, "utf8")
        .split("\n")
        .findIndex((line) => line.includes("lists: [Alpha List")) + 1;
    expect(!loaded.ok && loaded.problems.map(({ code, line, path }) => [code, line, path])).toContainEqual([
      "OCSGW-6103",
      at,
      "tenants[0].lists[0]",
    ]);
  });

  it("keeps mode and byte order mark of the file", async () => {
    writeFileSync(file, `\ufeff${readFileSync(file, "utf8")}`);
    const edit = await ConfigEdit.open(file);
    edit.set(["tenants", 1, "share"], 3);
    await writeConfig(edit);
    const after = readFileSync(file, "utf8");
    expect([after[0], after.includes("    share: 3\n"), statSync(file).mode & 0o777]).toEqual(["\ufeff", true, 0o640]);
  });

  it("overwrites nothing that somebody wrote meanwhile", async () => {
    const edit = await ConfigEdit.open(file);
    edit.set(["tenants", 1, "share"], 3);
    const theirs = `${readFileSync(file, "utf8")}# theirs\n`;
    writeFileSync(file, theirs);
    await expect(writeConfig(edit)).rejects.toThrow("another program has changed");
    expect(readFileSync(file, "utf8")).toBe(theirs);
  });

  it.each([
    ["a missing file", "nothing.yaml", undefined],
    ["a file that is not YAML", "bad.yaml", "a: [1\n"],
  ])("is refused for %s", async (_, name, text) => {
    if (text !== undefined) writeFileSync(join(dir, name), text);
    await expect(ConfigEdit.open(join(dir, name))).rejects.toThrow(name);
  });
});
