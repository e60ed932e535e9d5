import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fmt, type FmtOptions } from "../../src/cli/fmt.ts";

let dir: string;
let config: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-fmt-"));
  config = join(dir, "ocsgw.yaml");
  await mkdir(join(dir, "tenants.d"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const UNEVEN = "audit:\n    dir:   a\nversion: 1\n";
const EVEN = "version: 1\n\naudit:\n  dir: a\n";

const run = async (options: Partial<FmtOptions> = {}) => {
  const [out, complaints]: [string[], string[]] = [[], []];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void out.push(line));
  const error = vi.spyOn(console, "error").mockImplementation((line: string) => void complaints.push(line));
  const problems = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const code = await fmt({ files: [], config, ...options });
    return { code, out: out.map((each) => each.replace(`${dir}/`, "")), complaints: complaints.join("\n") };
  } finally {
    for (const each of [log, error, problems]) each.mockRestore();
  }
};

describe("fmt", () => {
  it("formats the config and the files of tenants.d, and names those that it changed", async () => {
    await writeFile(config, UNEVEN, { mode: 0o640 });
    await writeFile(join(dir, "tenants.d/a.yaml"), "- dbid: 1\n  name: A\n");
    await writeFile(join(dir, "tenants.d/b.yaml"), "- name: B\n");
    expect(await run()).toEqual({ code: 0, out: ["ocsgw.yaml", "tenants.d/a.yaml"], complaints: "" });
    expect(await readFile(config, "utf8")).toBe(EVEN);
    expect(await readFile(join(dir, "tenants.d/a.yaml"), "utf8")).toBe("- name: A\n  dbid: 1\n");
    expect((await stat(config)).mode & 0o777).toBe(0o640);
    expect(await run()).toEqual({ code: 0, out: [], complaints: "" });
  });

  it("changes nothing with --check, and exits with 10 if a file would change", async () => {
    await writeFile(config, UNEVEN);
    expect(await run({ check: true })).toEqual({ code: 10, out: ["ocsgw.yaml"], complaints: "" });
    expect(await readFile(config, "utf8")).toBe(UNEVEN);
    await writeFile(config, EVEN);
    expect(await run({ check: true })).toEqual({ code: 0, out: [], complaints: "" });
  });

  it("formats only the files that are given", async () => {
    await writeFile(config, UNEVEN);
    const other = join(dir, "other.yaml");
    await writeFile(other, UNEVEN);
    expect(await run({ files: [other] })).toMatchObject({ code: 0, out: ["other.yaml"] });
    expect(await readFile(config, "utf8")).toBe(UNEVEN);
  });

  it("says why a file was not formatted, and formats the others", async () => {
    const broken = join(dir, "broken.yaml");
    await writeFile(broken, "version: [1\n");
    await writeFile(config, UNEVEN);
    const { code, out, complaints } = await run({ files: [broken, config] });
    expect({ code, out }).toEqual({ code: 3, out: ["ocsgw.yaml"] });
    expect(complaints).toMatch(/broken\.yaml: not formatted: .+ at line \d+, column \d+/);
  });

  it.each([
    ["a file that does not exist is given", { files: ["/nonexistent/x.yaml"] }, 1],
    ["there is no config", {}, 3],
  ])("fails when %s", async (_, options, code) => {
    expect(await run(options)).toMatchObject({ code, out: [] });
  });
});
