import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import { lint, type LintOptions } from "../../../src/cli/lint/lint.ts";
import { readText } from "../../../src/cli/lint/read.ts";
import { kindOf } from "../../../src/lint/kinds.ts";

const SAMPLE_CONFIG = fileURLToPath(new URL("../../../config/ocsgw.yaml", import.meta.url));
const directory = await mkdtemp(join(tmpdir(), "ocsgw-lint-"));
afterAll(() => rm(directory, { recursive: true }));

const GOOD = "POST https://ocs-gw.example/records/15?req=RecordReject\n";
const DIRECT = "POST http://ocs1.example:8080/records/15?req=RecordReject\n";
const SECRET = `curl -u crm:Winter2025 -X POST http://ocs1.example:8080/records/15?req=RecordReject\n`;

const file = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(directory, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
};

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

const run = async (options: LintOptions): Promise<Ran> => {
  const parts: string[] = [];
  const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
  try {
    const stdout = { write: (text: string) => parts.push(text), isTTY: false };
    const code = await lint(options, { stdout, env: {} });
    return { code, stdout: parts.join(""), stderr: error.mock.calls.flat().join("\n") };
  } finally {
    error.mockRestore();
  }
};

const found = async (options: LintOptions) =>
  JSON.parse((await run({ ...options, format: "json" })).stdout) as {
    files: number;
    calls: number;
    errors: number;
    warnings: number;
    findings: { code: string; rule: string; file: string; line: number }[];
    undecided: { what: string }[];
  };

describe("ocsgw lint", () => {
  it("prints one line where nothing is wrong, and exits with 0", async () => {
    const { code, stdout, stderr } = await run({ files: [await file("good.http", GOOD)] });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ok {2}no findings in 1 file, 1 OCS call\. \d+ ms\n$/);
  });

  it("shows each finding with its line, and exits with 1 for errors", async () => {
    const path = await file("direct.http", DIRECT);
    const { code, stdout } = await run({ files: [path], ocs: ["ocs1.example:8080"] });
    expect(code).toBe(1);
    expect(stdout).toContain(
      `error[OCSGW-6401]: this call goes to OCS itself, around the gateway\n --> ${path}:1:6\n` +
        "1 | POST http://ocs1.example:8080/records/15?req=RecordReject\n",
    );
    expect(stdout).toMatch(/\n1 error in 1 file, 1 OCS call\. \d+ ms\n$/);
  });

  it("exits with 0 for warnings alone, and does not say ok", async () => {
    const path = await file("warned.http", GOOD.replace("?", "?").trimEnd() + "\nContent-Length: {{n}}\n");
    const { code, stdout } = await run({ files: [path] });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^warning\[OCSGW-6408\]/);
    expect(stdout).toMatch(/\n1 warning in 1 file/);
  });

  it("counts what it cannot decide, and shows where", async () => {
    const path = await file("unsure.sh", 'curl "$1"\n');
    const { code, stdout } = await run({ files: [path] });
    expect(code).toBe(0);
    expect(stdout).toBe(
      `cannot tell: the URL of a curl call is computed at run time\n  --> ${path}:1:6\n\n` +
        stdout.split("\n").at(-2) +
        "\n",
    );
    expect(stdout).toMatch(/^1 place that cannot be decided in 1 file, 0 OCS calls/m);
  });

  it.each(["text", "json", "sarif", "github"] as const)("never shows a credential in %s", async (format) => {
    const path = await file("secret.sh", SECRET);
    const { stdout, stderr } = await run({ files: [path], ocs: ["ocs1.example"], format });
    expect(stdout).toContain("OCSGW-6410");
    expect(stdout + stderr).not.toContain("Winter2025");
  });

  const AT = "http://ocs1.example/records/15?req=Nothing";
  const call = `fetch("${AT}", { method: "POST" });`;
  it.each<[string, string, string]>([
    ["the query", "a.http", `POST ${AT}&access_token=hunter22`],
    ["a user's address", "a.http", "POST http://crm:hunter22@ocs1.example/records/15?req=Nothing"],
    ["a member", "a.js", `const o = { password: "hunter22", "api-key": 'hunter22' }; ${call}`],
    [
      "a member with a capital",
      "A.cs",
      `class A { void f() { c.PostAsync("${AT}", new { Password = "hunter22" }); } }`,
    ],
    [
      "a variable of any name",
      "a.js",
      `const x = "hunter22"; fetch("${AT}", { headers: { authorization: "Bearer " + x } });`,
    ],
    ["an argument", "a.js", `h.set("x-secret", "hunter22"); ${call}`],
    ["a template", "a.js", "const token = `hunter22`; " + call],
    ["an assignment", "a.sh", `DB_PASSWORD=hunter22 curl -X POST ${AT}`],
    ["options of another program", "a.sh", `wget --password=hunter22 '${AT}'`],
    ["options with a blank", "a.sh", `http --session-token hunter22 ${AT}`],
  ])("shows no credential beside a finding: %s", async (_, name, text) => {
    const { stdout } = await run({ files: [await file(name, text)], ocs: ["ocs1.example"], all: true });
    expect(stdout).toContain("OCSGW-6401");
    expect(stdout).not.toContain("hunter22");
  });

  it("shows no line of a recording", async () => {
    const request = { method: "POST", url: "http://a/records/15?req=AddRecord", headers: [] };
    const path = await file("one.har", JSON.stringify({ log: { entries: [{ request, comment: "4155550123" }] } }));
    const { stdout } = await run({ files: [path] });
    expect(stdout).toContain("OCSGW-6416");
    expect(stdout).not.toContain("4155550123");
  });

  it("shows at most 20 findings, and all with --all", async () => {
    const path = await file("many.http", `${DIRECT}###\n`.repeat(30));
    const shown = async (all: boolean) =>
      (await run({ files: [path], ocs: ["ocs1.example"], all })).stdout.match(/error\[/g)!.length;
    expect([await shown(false), await shown(true)]).toEqual([20, 30]);
  });
});

describe("the addresses of OCS", () => {
  it.each<[string, boolean]>([
    ["ocs1.example:8080", true],
    ["OCS1.example", true],
    ["http://ocs1.example:8080", true],
    ["ocs1.example:80", false],
    ["http://ocs1.example", false],
    ["ocs1", false],
  ])("--ocs %s is the address of the call: %s", async (ocs, isDirect) => {
    const { findings } = await found({ files: [await file("direct.http", DIRECT)], ocs: [ocs] });
    expect(findings.map(({ rule }) => rule)).toEqual(isDirect ? ["directAddress"] : []);
  });

  it("are the upstreams and aliases of a config, and not the gateway's own", async () => {
    const path = await file(
      "config.http",
      [
        "POST http://ocs.example.internal:8080/records/15?req=RecordReject",
        "POST https://ocs1.example.internal:8443/records/15?req=RecordReject",
        "POST https://ocs2.example.internal:8443/records/15?req=RecordReject",
        "POST https://ocs-gw.example.internal:8443/records/15?req=RecordReject",
      ].join("\n###\n"),
    );
    const { findings } = await found({ files: [path], config: SAMPLE_CONFIG });
    expect(findings.map(({ rule, line }) => `${line} ${rule}`)).not.toContain("7 directAddress");
    expect(findings.filter(({ rule }) => rule === "directAddress").length).toBeGreaterThanOrEqual(1);
  });

  it("are refused if they are none", async () => {
    const { code, stderr } = await run({ files: [await file("good.http", GOOD)], ocs: ["http://a/b"] });
    expect([code, stderr]).toEqual([2, "http://a/b is no address: expected a host, with its port where it has one"]);
  });

  it("come from a valid config only", async () => {
    const config = await file("bad.yaml", "version: 7\n");
    const error = vi.spyOn(process.stderr, "write").mockImplementation(() => true);
    try {
      expect(await lint({ files: [await file("good.http", GOOD)], config })).toBe(3);
      expect(error.mock.calls.flat().join("")).toContain("version");
    } finally {
      error.mockRestore();
    }
  });
});

describe("the files", () => {
  it("are those of a folder that lint knows, in order, without node_modules and links", async () => {
    await file("tree/b.http", GOOD);
    await file("tree/a/c.http", DIRECT);
    await file("tree/readme.md", "no");
    await file("tree/node_modules/x/d.http", DIRECT);
    await symlink(join(directory, "tree"), join(directory, "tree", "circle"));
    const { files, calls } = await found({ files: [join(directory, "tree")] });
    expect([files, calls]).toEqual([2, 2]);
  });

  it("are those that a pattern matches, each once", async () => {
    await file("globbed/x/one.http", GOOD);
    await file("globbed/two.http", GOOD);
    const pattern = join(directory, "globbed", "**", "*.http");
    expect((await found({ files: [pattern, join(directory, "globbed", "two.http")] })).files).toBe(2);
  });

  it("are read as the kind that --kind says", async () => {
    const path = await file("requests.txt", DIRECT);
    const { findings } = await found({ files: [path], kind: "http", ocs: ["ocs1.example"] });
    expect(findings.map(({ rule }) => rule)).toEqual(["directAddress"]);
  });

  it.each<[string, (path: string) => LintOptions, RegExp]>([
    ["of no known kind", (path) => ({ files: [`${path}.txt`] }), /a\.txt is of no kind that lint knows \(\.scxml /],
    ["that do not exist", (path) => ({ files: [`${path}.nowhere.http`] }), /there is no such file/],
    ["that no pattern matches", (path) => ({ files: [`${path}*.zz`] }), /no file that lint can read matches /],
    [
      "of an unknown --kind",
      (path) => ({ files: [`${path}.txt`], kind: "cobol" }),
      /unknown kind cobol; the kinds are/,
    ],
    ["that are no regular file", () => ({ files: ["/dev/null"] }), /\/dev\/null is no regular file/],
  ])("%s are refused by name, with exit code 2", async (_, options, expected) => {
    const { code, stdout, stderr } = await run(options((await file("a.txt", "")).replace(/\.txt$/, "")));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(expected);
  });

  it.each<[string, Uint8Array, string, number]>([
    ["bytes that are not UTF-8", Buffer.from(`${GOOD}\n# caf\xe9\n`, "latin1"), "bytes that are not UTF-8", 3],
    ["more bytes than lint reads", Buffer.alloc(17 * 1024 * 1024, "#"), "larger than 16 MiB", 1],
  ])("with %s are findings", async (_, bytes, message, line) => {
    const path = await file("odd.http", bytes);
    const { code, stdout } = await run({ files: [path], format: "json" });
    const { findings } = JSON.parse(stdout) as { findings: { code: string; message: string; line: number }[] };
    expect(code).toBe(1);
    expect(findings[0]).toMatchObject({ code: "OCSGW-6400", line, message: expect.stringContaining(message) });
  });

  it.each<[string, string | Uint8Array]>([
    ["UTF-16", Buffer.from(`\uFEFF<scxml><a b="é"/></scxml>`, "utf16le")],
    [
      "the encoding of its declaration",
      Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><scxml a="\xe9"/>', "latin1"),
    ],
    ["UTF-8 with a mark", "\uFEFF<scxml/>"],
    ["UTF-8 with a replacement character", "<scxml a='\uFFFD'/>"],
  ])("in %s are read", async (_, bytes) => {
    expect((await found({ files: [await file("encoded.scxml", bytes)] })).findings).toEqual([]);
  });

  it("that vanish or may not be read are findings", async () => {
    const { fault } = await readText({ path: join(directory, "gone.http"), kind: kindOf("gone.http")! });
    expect(fault).toEqual({ line: 1, column: 1, message: "there is no such file" });
  });
});
