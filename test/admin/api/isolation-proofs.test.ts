/** Proofs of isolation over the admin API: who may start one, what the journal has of it, and what stays. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createProofs } from "../../../src/app/wiring/admin/isolation/proofs.ts";
import { ProofReports } from "../../../src/app/proof/reports.ts";
import type { Access } from "../../../src/journal/entry.ts";
import { sharedOcs } from "../../app/proof/kit.ts";
import { anApi, auditor, TOKEN, type TestApi } from "./kit.ts";

const PATH = "/api/isolation/proofs";
const PURPOSE = { purpose: "yearly audit" };

const start = (): Promise<TestApi> =>
  anApi([], {
    config: sharedOcs(),
    parts: ({ journal, settings, audit, stops }) => ({
      proofs: createProofs(
        { dir: journal.dir, reading: () => ({ settings, hash: "c0ffee" }), record: audit.record },
        stops,
      ),
    }),
  });

const ended = (api: TestApi, id: string) =>
  vi.waitFor(
    async () => {
      const { value } = await api.ask(`GET ${PATH}/${id}`);
      expect(value.state).not.toBe("running");
      return value;
    },
    { timeout: 30_000, interval: 100 },
  );

const entriesOf = async (api: TestApi): Promise<Access[]> =>
  (await api.entries()).flatMap((entry) =>
    entry.kind === "access" && entry.operation === "prove-isolation" ? [entry] : [],
  );

describe("a proof", () => {
  let api: TestApi;
  let id: string;
  beforeAll(async () => {
    api = await start();
    const { status, value } = await api.ask(`POST ${PATH}`, { as: auditor(), body: PURPOSE });
    expect([status, value]).toMatchObject([202, { by: "ada", ...PURPOSE, state: "running", report: null }]);
    id = value.id;
    expect(await api.ask(`POST ${PATH}`, { as: TOKEN })).toMatchObject({ status: 409, value: { id } });
    expect((await api.ask(`GET ${PATH}`)).value).toMatchObject({ running: id, proofs: [{ id, state: "running" }] });
    await ended(api, id);
  }, 40_000);
  afterAll(() => api?.stop());

  it("runs in a process of its own, and its report has date, starter, config and version", async () => {
    const { value } = await api.ask(`GET ${PATH}/${id}`);
    expect(value).toMatchObject({
      id,
      by: "ada",
      ...PURPOSE,
      state: "done",
      percent: 100,
      error: null,
      config_hash: "c0ffee",
      gateway_version: expect.stringMatching(/^\d+\.\d+/),
      verdict: "ok",
      report: { verdict: "ok", failures: [], covers: { tenants: { tried: 2, of: 2 } } },
      journaled: true,
    });
    expect(Date.parse(value.ended)).toBeGreaterThan(Date.parse(value.started));
  });

  it("is in the journal: who asked and why, and at its end the verdict and the digest of the report", async () => {
    const [begun, end] = await entriesOf(api);
    const by = { user: "ada", role: "auditor", ...PURPOSE };
    const file = join(api.journal.dir, "proofs", `${id}.json`);
    const digest = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
    expect(begun).toMatchObject(by);
    expect(begun!.verdict).toBeUndefined();
    expect(end).toMatchObject({ ...by, verdict: "ok", results: expect.any(Number), digest });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("leaves nothing behind but its report", async () => {
    expect(await readdir(join(api.journal.dir, "proofs"))).toEqual([`${id}.json`]);
  });

  it("is still there after a restart, and a report that was changed is not that of the journal", async () => {
    const folder = join(api.journal.dir, "proofs");
    const [row] = await new ProofReports(folder).list();
    expect(row).toMatchObject({ id, by: "ada", verdict: "ok", state: "done", config_hash: "c0ffee" });
    expect(row).not.toHaveProperty("report");
    const file = join(folder, `${id}.json`);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"verdict": "ok"', '"verdict": "broken"'));
    expect((await api.ask(`GET ${PATH}/${id}`)).value).toMatchObject({ verdict: "broken", journaled: false });
    await writeFile(file, text);
    expect((await api.ask(`GET ${PATH}/${id}`)).value).toMatchObject({ verdict: "ok", journaled: true });
  });

  it("is for auditors and operators of all tenants, and people with a session say why", async () => {
    for (const as of [auditor([101]), auditor("all", ["viewer"])])
      for (const line of [
        `POST ${PATH}`,
        `GET ${PATH}`,
        `GET ${PATH}/${id}`,
        `GET ${PATH}/${id}/events`,
        `DELETE ${PATH}/${id}`,
      ]) {
        const { status, value } = await api.ask(line, { as, ...(line.startsWith("POST") && { body: PURPOSE }) });
        expect([line, status]).toEqual([line, 403]);
        expect(JSON.stringify(value)).not.toContain("Beta");
      }
    const asked = await api.ask(`POST ${PATH}`, { as: auditor() });
    expect([asked.status, asked.value.error]).toEqual([400, expect.stringContaining("purpose")]);
    expect((await api.ask(`GET ${PATH}`, { as: auditor("all", ["operator"]) })).status).toBe(200);
    expect(await entriesOf(api)).toHaveLength(2);
  });

  it("is unknown under another id, also under the name of a file", async () => {
    for (const other of ["none", "..", "01JD0000000000000000000000"])
      expect((await api.ask(`GET ${PATH}/${other}`)).status).toBe(404);
  });
});

describe("a proof that does not end by itself", () => {
  let api: TestApi | undefined;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await api?.stop();
  });

  it("can be cancelled: its process and its folder are gone, and the journal says so", async () => {
    api = await start();
    const temporary = await mkdtemp(join(tmpdir(), "ocsgw-test-"));
    vi.stubEnv("TMPDIR", temporary);
    const { value } = await api.ask(`POST ${PATH}`);
    await vi.waitFor(async () => expect(await readdir(temporary)).toHaveLength(1), { timeout: 10_000 });
    const cancelled = await api.ask(`DELETE ${PATH}/${value.id}`);
    expect(cancelled.value).toMatchObject({ state: "cancelled", report: null });
    expect(await readdir(temporary)).toEqual([]);
    await rm(temporary, { recursive: true });
    await vi.waitFor(async () => expect(await entriesOf(api!)).toMatchObject([{}, { verdict: "cancelled" }]), {
      timeout: 10_000,
    });
    expect((await api.ask(`GET ${PATH}`)).value).toMatchObject({ running: null, proofs: [{ state: "cancelled" }] });
  }, 20_000);

  it("is not started when the journal cannot record it", async () => {
    api = await anApi([], {
      config: sharedOcs(),
      parts: ({ journal, settings, audit, stops }) => {
        const record = () => Promise.reject(new Error("disk full"));
        const deps = { dir: journal.dir, reading: () => ({ settings, hash: "h" }), record };
        return { audit: { ...audit, record }, proofs: createProofs(deps, stops) };
      },
    });
    expect((await api.ask(`POST ${PATH}`)).status).toBe(503);
    expect((await api.ask(`GET ${PATH}`)).value).toMatchObject({ proofs: [], running: null });
  });
});
