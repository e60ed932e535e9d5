import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadSettings, type Loaded } from "../../src/settings/load.ts";
import { renderProblem } from "../../src/settings/problems/render.ts";
import { placeOf, SAMPLE } from "./kit.ts";

let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-tenants-"));
  file = join(dir, "ocsgw.yaml");
  await writeFile(file, SAMPLE);
  await writeFile(join(dir, "keys.yaml"), "version: 1\nkeys: []\n");
  await mkdir(join(dir, "tenants.d"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const part = (name: string): string => join(dir, "tenants.d", name);
const tenant = (name: string, dbid: number, more = ""): string =>
  `- name: ${name}\n  dbid: ${dbid}\n  upstream: ocs-main\n  records: unscoped\n${more}`;
const load = async (files: Readonly<Record<string, string>>): Promise<Loaded> => {
  for (const [name, text] of Object.entries(files)) await writeFile(part(name), text);
  return loadSettings(file, {});
};
const errors = (loaded: Loaded) => (loaded.ok ? [] : loaded.problems.filter(({ severity }) => severity === "error"));

describe("tenants.d", () => {
  it("adds its tenants to those of the config file, in the order of file names, from lists or maps", async () => {
    const loaded = await load({
      "b.yaml": tenant("Delta", 104),
      "a.yaml": `version: 1\ntenants:\n${tenant("Gamma", 103)}end: true\n`,
      ".hidden.yaml": "[",
      "b.yaml~": "[",
      "c.yml": "[",
    });
    expect(errors(loaded)).toEqual([]);
    expect(loaded.ok && loaded.settings.tenants.map(({ name }) => name)).toEqual([
      "Alpha Tenant",
      "Beta Tenant",
      "Gamma",
      "Delta",
    ]);
    expect(loaded.ok && [...loaded.ended]).toEqual([part("a.yaml")]);
  });

  it("is part of the hash, which without it is that of the config file's text", async () => {
    const hashes = [
      (await load({})).hash,
      (await load({ "a.yaml": tenant("Gamma", 103) })).hash,
      (await load({ "a.yaml": tenant("Gamma", 104) })).hash,
    ];
    expect(hashes[0]).toBe(createHash("sha256").update(SAMPLE).digest("hex"));
    expect(new Set(hashes).size).toBe(3);
  });

  it.each<[string, string, RegExp, RegExp]>([
    ["another key", `tenants:\n${tenant("Gamma", 103)}audit: {}\n`, /unknown key `audit`/, /holds tenants only/],
    ["no tenant", "tenants: []\n", /must hold a list of tenants/, /delete the file, or rename it/],
    ["another version", `version: 2\ntenants:\n${tenant("Gamma", 103)}`, /, found 2$/, /^write version: 1, or remove/],
    ["another end", `tenants:\n${tenant("Gamma", 103)}end: "yes"\n`, /, found "yes"$/, /^write end: true, or remove/],
    [
      "a second document",
      `tenants:\n${tenant("Gamma", 103)}---\n`,
      /second document/,
      /remove the --- and what follows/,
    ],
  ])("says what to do about %s", async (_what, text, message, help) => {
    const [found] = errors(await load({ "a.yaml": text }));
    expect(found?.message).toMatch(message);
    expect(found?.help).toMatch(help);
  });

  it("may contain all tenants", async () => {
    const without = (text: string, key: string): string =>
      text.replace(new RegExp(String.raw`\n${key}:[^\n]*\n(?:[ #-][^\n]*\n|\n)*`), "\n");
    await writeFile(file, without(without(SAMPLE, "tenants"), "tests"));
    const loaded = await load({ "a.yaml": tenant("Gamma", 103) });
    expect(errors(loaded)).toEqual([]);
    expect(loaded.ok && loaded.settings.tenants.map(({ name }) => name)).toEqual(["Gamma"]);
  });

  const LONG = `${tenant("Gamma", 103)}${tenant("Delta", 104, "  shar: 2\n")}`;
  it.each<[string, string, string, { path: string; at: [string, number?] }]>([
    ["an unknown key of a tenant", LONG, "OCSGW-6101", { path: "[1].shar", at: ["shar"] }],
    [
      "an unknown key of a tenant, with the key tenants",
      `tenants:\n${LONG}`,
      "OCSGW-6101",
      { path: "tenants[1].shar", at: ["shar"] },
    ],
    ["a DBID that the config file has", tenant("Gamma", 101), "OCSGW-6202", { path: "[0].dbid", at: ["101"] }],
    ["no tenant", "tenants: []\n", "OCSGW-6352", { path: "", at: ["tenants"] }],
    ["nothing at all", "", "OCSGW-6352", { path: "", at: [""] }],
    [
      "another key in addition to tenants",
      `tenants:\n${tenant("Gamma", 103)}tenats: []\n`,
      "OCSGW-6101",
      { path: "", at: ["tenats"] },
    ],
    ["an alias", `${tenant("Gamma", 103)}  lists: *no\n`, "OCSGW-6004", { path: "[0].lists", at: ["*no"] }],
    ["a key twice", `${tenant("Gamma", 103)}  dbid: 105\n`, "OCSGW-6003", { path: "", at: ["dbid", 1] }],
    [
      "keys after the end marker",
      `end: true\ntenants:\n${tenant("Gamma", 103)}`,
      "OCSGW-6350",
      { path: "", at: ["end"] },
    ],
    ["a variable that is not set", tenant("${NO_SUCH}", 103), "OCSGW-6011", { path: "[0].name", at: ["${"] }],
  ])("has problems with file and place for %s", async (_what, text, code, { path, at }) => {
    const found = errors(await load({ "a.yaml": tenant("Epsilon", 106), "b.yaml": text })).filter(
      (each) => each.code === code,
    );
    expect(found).toMatchObject([{ code, file: part("b.yaml"), path, ...placeOf(text === "" ? " " : text, ...at) }]);
  });

  it.each([
    ["is not YAML", (text: string) => `${text}  lists: [\n`, "OCSGW-6002 "],
    ["has another key for its list", (text: string) => `tenats:\n${text}`, "OCSGW-6352 "],
  ])(
    "is reported with all other problems if one of its files %s, without guesses about lost tenants",
    async (_how, malformed, code) => {
      const far = "  mtls:\n    - { name: far, san_dns: far.example.internal, client: far-ors }\n";
      const example = '  - { as: far-ors, do: "GET /campaigngroups", tenant: Gamma, expect: allow }\n';
      await writeFile(
        file,
        SAMPLE.replace("  keys:\n", `${far}  keys:\n`)
          .replace("tests:\n", `tests:\n${example}`)
          .replace("max_wait: 5s", "max_wait: 5"),
      );
      const part = `${tenant("Gamma", 103)}  clients: { far-ors: { actions: [ReadStatus] } }\n`;
      const problemsOf = async (text: string): Promise<readonly string[]> => {
        const loaded = await load({ "a.yaml": text });
        return loaded.ok ? [] : loaded.problems.map((each) => `${each.code} ${each.path}`);
      };
      const others = await problemsOf(part);
      expect(others).toContainEqual(expect.stringContaining("max_wait"));
      const all = await problemsOf(malformed(part));
      expect(all).toEqual(expect.arrayContaining([code, ...others]));
      expect(all.filter((each) => /mtls|tests/.test(each))).toEqual([]);
    },
  );

  it("has conflicts whose other place has its own file", async () => {
    const [problem] = errors(await load({ "a.yaml": tenant("Gamma", 103), "b.yaml": tenant("Delta", 103) }));
    const text = renderProblem(problem!, tenant("Delta", 103), { colour: false });
    expect(text).toContain(`--> ${part("b.yaml")}:2:9`);
    expect(text).toContain(`also: ${part("a.yaml")}:2:9: of "Gamma"`);
    const [other] = errors(await load({ "a.yaml": tenant("Gamma", 101), "b.yaml": tenant("Delta", 104) }));
    expect(other).toMatchObject({ file: part("a.yaml"), also: { file } });
  });

  it("has a place for each tenant", async () => {
    const text = `${tenant("Gamma", 103)}${tenant("Delta", 104)}`;
    const loaded = await load({ "a.yaml": text });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    expect(loaded.locate(["tenants", 3, "dbid"])).toEqual({ file: part("a.yaml"), ...placeOf(text, "104") });
    expect(loaded.formatPath(["tenants", 3, "dbid"])).toBe("[1].dbid");
    expect(loaded.locate(["tenants", 1, "name"])).toEqual(placeOf(SAMPLE, "Beta Tenant"));
  });

  it("is reported if it cannot be read", async () => {
    await rm(join(dir, "tenants.d"), { recursive: true });
    await writeFile(join(dir, "tenants.d"), "");
    expect(errors(await load({}))).toMatchObject([{ code: "OCSGW-6001" }]);
  });
});
