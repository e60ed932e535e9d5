import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { check, explainSettings, type Host } from "../../../src/cli/check/check.ts";
import type { Row } from "../../../src/cli/check/connect/row.ts";
import { inFormat } from "../../../src/cli/check/print-formats.ts";
import { mutated } from "../../settings/kit.ts";
import { patternOf } from "../../kit/pattern.ts";

const SAMPLE_FILE = fileURLToPath(new URL("../../../config/ocsgw.yaml", import.meta.url));
const directory = await mkdtemp(join(tmpdir(), "ocsgw-check-"));
afterAll(() => rm(directory, { recursive: true }));
await writeFile(join(directory, "keys.yaml"), "version: 1\nkeys: []\n");

const host = (over: { isTTY?: boolean; env?: Record<string, string> } = {}): { host: Host; said: () => string } => {
  const parts: string[] = [];
  return {
    host: { stdout: { write: (text: string) => parts.push(text), isTTY: over.isTTY ?? false }, env: over.env ?? {} },
    said: () => parts.join(""),
  };
};

const file = async (text: string): Promise<string> => {
  const path = join(directory, "ocsgw.yaml");
  await writeFile(path, text);
  return path;
};

const BROKEN = mutated(["max_body", "max_bodi"], ["dbid: 102", "dbid: 101"]);
/** The numbers of the lines of BROKEN that contain a text, from 1. */
const linesWith = (text: string): number[] =>
  BROKEN.split("\n").flatMap((line, at) => (line.includes(text) ? [at + 1] : []));
const [bodi] = linesWith("max_bodi");
const [first, second] = linesWith("    dbid: 101");

describe("the formats of ocsgw check", () => {
  const checked = async (options: Partial<Parameters<typeof check>[0]>) => {
    const { host: to, said } = host();
    const config = await file(BROKEN);
    return { code: await check({ config, ...options }, to), said: said(), config };
  };

  it("have the same exit code, and JSON is --json", async () => {
    const [json, alias] = [await checked({ format: "json" }), await checked({ json: true })];
    expect(json).toEqual(alias);
    expect(json.code).toBe(3);
    expect((JSON.parse(json.said) as unknown[]).length).toBeGreaterThan(1);
  });

  it("have each problem beside its line, for GitHub", async () => {
    const { code, said, config } = await checked({ format: "github" });
    expect(code).toBe(3);
    const name = config.replaceAll(":", "%3A").replaceAll(",", "%2C");
    expect(said).toContain(`::error file=${name},line=${bodi},col=5,title=OCSGW-6101::unknown key \`max_bodi\``);
    expect(
      said
        .trimEnd()
        .split("\n")
        .every((line) => /^::(?:error|warning) file=/.test(line)),
    ).toBe(true);
  });

  it("have each problem with its rule, as SARIF", async () => {
    const { code, said } = await checked({ format: "sarif" });
    expect(code).toBe(3);
    const [run] = (JSON.parse(said) as { runs: { results: { ruleId: string; level: string }[] }[] }).runs;
    expect(run!.results).toContainEqual(expect.objectContaining({ ruleId: "OCSGW-6101", level: "error" }));
  });

  it("have the tests of --connect that failed or need attention", async () => {
    const rows: readonly Row[] = [
      { name: "disk", state: "ok", says: ["fine"] },
      { name: "ocs-main", state: "fail", says: ["primary refused", "backup refused"] },
      { name: "clock", state: "warn", says: ["2 s off"] },
    ];
    expect(inFormat("github", { config: "a.yaml", problems: [], rows })).toBe(
      "::error file=a.yaml,line=1,col=1,title=OCSGW-6448::ocs-main: primary refused; backup refused\n" +
        "::warning file=a.yaml,line=1,col=1,title=OCSGW-6448::clock: 2 s off\n",
    );
    expect(JSON.parse(inFormat("json", { config: "a.yaml", problems: [], rows }))).toEqual({
      problems: [],
      connect: rows,
    });
  });
});

describe("ocsgw check", () => {
  it("prints warnings, then ok in one line with the size of the config", async () => {
    const { host: to, said } = host();
    expect(await check({ config: SAMPLE_FILE }, to)).toBe(0);
    expect(said()).toMatch(/^warning\[OCSGW-6305\]: /);
    expect(said().trimEnd().split("\n").at(-1)).toMatch(
      patternOf(
        /^ok {2}.*ocsgw\.yaml: 2 tenants, 4 clients, 1 upstream \(4 lanes\), 4 policy tests passed, /,
        /1 warning; needs TimeoutStopSec=35s or more\. \d+ ms$/,
      ),
    );
  });

  it("shows every problem with its line, and ends with the verdict", async () => {
    const { host: to, said } = host();
    const config = await file(BROKEN);
    expect(await check({ config }, to)).toBe(3);
    expect(said()).toContain(
      `error[OCSGW-6101]: unknown key \`max_bodi\`\n  --> ${config}:${bodi}:5\n${bodi} |     max_bodi: 64KiB\n   |   ` +
        `  ^^^^^^^^\n`,
    );
    expect(said()).toContain(
      `   |           --- of "Alpha Tenant"\n...\n${second} |     dbid: 101\n   |           ^^^\n`,
    );
    expect(said().trimEnd().split("\n").at(-1)).toMatch(
      /^2 errors, 1 warning in .*ocsgw\.yaml \(2 tenants, 4 clients, 1 upstream \(4 lanes\)\)\. \d+ ms$/,
    );
  });

  it("shows twenty problems and the number of further ones, or all with --all", async () => {
    const config = await file(
      mutated(["    max_body: 64KiB\n", Array.from({ length: 24 }, (_, at) => `    key_${at}: 1\n`).join("")]),
    );
    const shown = async (all: boolean): Promise<readonly [number, boolean]> => {
      const { host: to, said } = host();
      await check({ config, all }, to);
      return [
        said().match(/^(error|warning)\[/gm)!.length,
        said().includes("\n5 more problems; --all shows them\n\n24 errors, 1 warning in "),
      ];
    };
    expect([await shown(false), await shown(true)]).toEqual([
      [20, true],
      [25, false],
    ]);
  });

  it("runs the policy tests of the config", async () => {
    const { host: to, said } = host();
    const config = await file(mutated(["expect: OCSGW-2103", "expect: allow"]));
    expect(await check({ config }, to)).toBe(3);
    expect(said()).toMatch(
      patternOf(
        /^error\[OCSGW-6272\]: beta-crm POST \/phones\/4155550100\?req=DoNotCall: /,
        /expected allow, and the policy says OCSGW-2103: /,
      ),
    );
  });

  it("prints the problems as JSON with --json", async () => {
    const { host: to, said } = host();
    const config = await file(BROKEN);
    expect(await check({ config, json: true }, to)).toBe(3);
    expect(JSON.parse(said())).toMatchObject([
      {
        severity: "error",
        code: "OCSGW-6101",
        file: config,
        line: bodi,
        column: 5,
        path: "listeners[0].max_bodi",
        help: "did you mean `max_body`?",
      },
      { severity: "error", code: "OCSGW-6202", line: second, column: 11, also: { line: first, column: 11 } },
      { severity: "warning", code: "OCSGW-6305" },
    ]);
  });

  it("replaces environment variables", async () => {
    const config = await file(mutated(["${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}", "${MY_KEY}"]));
    expect(await check({ config }, host().host)).toBe(3);
    expect(await check({ config }, host({ env: { MY_KEY: "k".repeat(40) } }).host)).toBe(0);
  });

  it("reports a missing file", async () => {
    const { host: to, said } = host();
    expect(await check({ config: join(directory, "none.yaml") }, to)).toBe(3);
    expect(said()).toContain("there is no such file");
    expect(said()).not.toMatch(/ at .*\.ts:/);
  });

  it("prints colors on a terminal that supports them, except with NO_COLOR", async () => {
    const painted = async (over: Parameters<typeof host>[0]): Promise<boolean> => {
      const { host: to, said } = host(over);
      await check({ config: SAMPLE_FILE }, to);
      return said().includes("\u001B[");
    };
    expect([
      await painted({ isTTY: true }),
      await painted({}),
      await painted({ isTTY: true, env: { NO_COLOR: "1" } }),
      await painted({ isTTY: true, env: { TERM: "dumb" } }),
    ]).toEqual([true, false, false, false]);
  });
});

describe("ocsgw check --explain", () => {
  it("prints every key with its default and its explanation", () => {
    const { host: to, said } = host();
    expect(explainSettings(to)).toBe(0);
    expect(said()).toContain("upstreams.<name>.timeouts.answer  (default 15s)\n    Longest time from the last byte");
    expect(said()).toContain("tenants[].clients.<name>.actions  (required)\n");
    expect(said()).toContain("upstreams.<name>.backup  (default ~)\n");
    expect(said()).not.toContain("undefined");
  });
});
