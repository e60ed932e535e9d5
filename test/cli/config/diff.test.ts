import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { configDiff } from "../../../src/cli/config/diff.ts";

const CONFIG = `version: 1
listeners:
  - { name: clients, bind: 127.0.0.1:8443, tls: none }
identity:
  keys: { file: keys.yaml, carriers: [basic] }
upstreams:
  ocs-main: { primary: http://127.0.0.1:18080, connections: 2 }
tenants:
  - name: Alpha Tenant
    dbid: 101
    upstream: ocs-main
    clients:
      crm: { actions: [DoNotCall] }
audit:
  dir: ./audit
  index_key: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  checkpoint: { key: checkpoint.pem, origin: example.com/main }
`;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-diff-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const compared = async (other: string, options = {}): Promise<{ code: number; out: string[] }> => {
  const [before, after] = [join(dir, "before.yaml"), join(dir, "after.yaml")];
  await writeFile(before, CONFIG);
  await writeFile(after, other);
  const out: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void out.push(line));
  const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const complaints = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    return { code: await configDiff({ before, after, ...options }), out };
  } finally {
    for (const each of [log, errors, complaints]) each.mockRestore();
  }
};

describe("config diff", () => {
  it.each([
    ["the same text", CONFIG],
    ["another order, comments and a default written out", `# a comment\n${CONFIG}drain: { delay: 0s }\n`],
  ])("finds no difference in %s", async (_, other) => {
    expect(await compared(other)).toEqual({ code: 0, out: [] });
  });

  it("describes each change in a sentence", async () => {
    const other = CONFIG.replace("connections: 2", "connections: 4").replace("[DoNotCall]", "[DoNotCall, AddRecord]");
    expect(await compared(other)).toEqual({
      code: 10,
      out: ["Alpha Tenant: client crm: AddRecord added", "upstreams.ocs-main.connections 2 -> 4"],
    });
  });

  it("says that a secret changed, without its values", async () => {
    const { code, out } = await compared(CONFIG.replace("0123456789", "9876543210"));
    expect(code).toBe(10);
    expect(out.join()).toMatch(/^audit\.index_key/);
    expect(out.join()).not.toMatch(/0123456789|9876543210/);
  });

  it("gives the differences as JSON", async () => {
    const { out } = await compared(CONFIG.replace("connections: 2", "connections: 4"), { json: true });
    expect(JSON.parse(out.join("\n"))).toMatchObject({ differences: ["upstreams.ocs-main.connections 2 -> 4"] });
  });

  it("compares nothing when one of the files is not valid", async () => {
    expect(await compared(CONFIG.replace("version: 1", "version: 9"))).toEqual({ code: 3, out: [] });
  });
});
