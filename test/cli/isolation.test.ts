import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProofReport } from "../../src/admin/api/evidence/isolation-proofs.ts";
import { ocsgw } from "../kit/command.ts";

const CONFIG = "config/ocsgw.yaml";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-test-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("ocsgw isolation prove", () => {
  it("proves the isolation of a config file, without its secrets and without its OCS", async () => {
    const { code, stdout, stderr } = await ocsgw("isolation", "prove", "-c", CONFIG, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout) as ProofReport & { readonly config_hash: string };
    expect(report).toMatchObject({ verdict: "ok", failures: [], config_hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(report.tenants.length).toBeGreaterThanOrEqual(2);
  }, 40_000);

  it("says in words what it tried and what it cannot prove", async () => {
    const { code, stdout } = await ocsgw("isolation", "prove", "-c", CONFIG);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^separated, except what the config itself leaves open, below\n/);
    expect(stdout).toMatch(/\d+ tenants, \d+ clients, \d+ lists, campaigns and groups; \d+ requests/);
    expect(stdout).toContain("not proved:\n  that OCS itself keeps its tenants apart");
  }, 40_000);

  it("does not call separated what the config leaves open", async () => {
    const file = join(dir, "open.yaml");
    const tenant = (name: string, dbid: number): object => ({
      name,
      dbid,
      upstream: "ocs",
      records: "unscoped",
      clients: { one: { actions: ["DoNotCall"] } },
    });
    const config = {
      version: 1,
      listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: "none" }],
      identity: { keys: { file: "keys.yaml" } },
      upstreams: { ocs: { primary: "http://127.0.0.1:9" } },
      tenants: [tenant("Alpha Tenant", 101), tenant("Beta Tenant", 102)],
      audit: {
        dir: "audit",
        index_key: "0123456789abcdef".repeat(4),
        checkpoint: { key: "c.pem", origin: "o.example/o" },
      },
    };
    await writeFile(file, JSON.stringify(config));
    const { code, stdout } = await ocsgw("isolation", "prove", "-c", file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^separated, except what the config itself leaves open, below\n/);
    expect(stdout).toContain("records is unscoped");
  }, 40_000);

  it("exits with 3 for a config that is not valid", async () => {
    const file = join(dir, "ocsgw.yaml");
    await writeFile(file, `${await readFile(CONFIG, "utf8")}\nnonsense: 1\n`);
    expect((await ocsgw("isolation", "prove", "-c", file)).code).toBe(3);
  }, 20_000);
});
