import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createAuditJobs } from "../../../src/app/wiring/journal/jobs/audit-jobs.ts";
import type { BackgroundVerify } from "../../../src/app/wiring/journal/background-verify.ts";
import { ExportFolder } from "../../../src/app/wiring/journal/jobs/export-folder.ts";
import { createExports } from "../../../src/app/wiring/journal/jobs/exports.ts";
import { createYieldToDisk } from "../../../src/app/wiring/journal/jobs/yield-to-disk.ts";
import type { AdminDeps } from "../../../src/admin/routes.ts";
import type { Reply } from "../../../src/common/message.ts";
import { ulid } from "../../../src/common/ulid.ts";
import type { Access, Intent } from "../../../src/journal/entry.ts";
import { createRedactor } from "../../../src/journal/redact.ts";
import { verifyBundle } from "../../../src/journal/verify/bundle/bundle.mjs";
import { unpack } from "../../../src/journal/verify/segments/unpack.ts";
import { aDoNotCall, aRefusal } from "../../journal/kit.ts";
import { anApi, auditor, TOKEN, type Parts, type TestApi } from "./kit.ts";

let api: TestApi | undefined;
afterEach(() => api?.stop());

const PATH = "/api/audit/exports";
const NOTHING: BackgroundVerify = { verified: () => undefined, damage: () => [], wasSetAside: () => undefined };
const EMPTY = { states: () => [], troubles: () => [] };
const ALONE = { witnesses: () => [], quorum: () => null, timestamps: () => null };
const BETA = { tenant: { dbid: 102, name: "Beta Tenant" }, client: "=beta-canary" };
const NUMBER = "4155550142";
const KEY = "an index key for tests only, of 32 and more";

const redactor = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, KEY);
const about = (phone: string): Partial<Intent> => ({
  upstream: "ocs",
  tokens: redactor.tokens("phones", phone, new Map()),
});
const given = [
  aDoNotCall(1, about(NUMBER)),
  aDoNotCall(2, { ...about("4155550199"), ...BETA }),
  aDoNotCall(3, { ...about("4155550177"), status: 500 }),
  [aRefusal(4)],
];

type Limits = { readonly most?: number; readonly keepMs?: number; readonly leastFree?: number };

const parts =
  (limits?: Limits) =>
  async ({ journal, checkpoints, settings, audit, stops }: Parts): Promise<Partial<AdminDeps>> => {
    const reading = () => ({ settings, hash: "h" });
    const core = { journal, checkpoints, checkpointSinks: EMPTY, outside: ALONE, current: () => settings, reading };
    const jobs = await createAuditJobs({ core: core as never, audit, backgroundVerify: NOTHING }, stops);
    if (!limits) return jobs;
    const { most = 1e12, keepMs = 1e9, leastFree = 0 } = limits;
    const folder = new ExportFolder(join(journal.dir, "exports"), most, leastFree);
    const yieldToDisk = createYieldToDisk(journal, stops);
    const deps = { journal, folder, keepMs, configHash: () => "h", yieldToDisk, lookMs: 50 };
    return { ...jobs, exports: await createExports(deps, stops) };
  };

const aJournal = (limits?: Limits, config: object = {}): Promise<TestApi> =>
  anApi(given, { parts: parts(limits), config: { admin: { bind: "127.0.0.1:0" }, ...config } });

const ended = async (id: string, as = TOKEN) =>
  vi.waitFor(
    async () => {
      const { value } = await api!.ask(`GET ${PATH}/${id}`, { as });
      expect(value.state).not.toBe("running");
      return value;
    },
    { timeout: 20_000, interval: 50 },
  );

const exported = async (body: object, as = TOKEN) => {
  const { status, value } = await api!.ask(`POST ${PATH}`, { as, body });
  expect([status, value]).toMatchObject([202, { state: "running" }]);
  return ended(value.id, as);
};

const bodyOf = (reply: Reply): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    reply.stream!({
      write: (bytes) => (chunks.push(Buffer.from(bytes)), Promise.resolve()),
      end: () => resolve(Buffer.concat(chunks)),
      destroy: () => reject(new Error("destroyed")),
    });
  });
const fileOf = async (id: string, as = TOKEN): Promise<Buffer> =>
  bodyOf((await api!.ask(`GET ${PATH}/${id}/file`, { as })).reply);

const accesses = async (operation: string): Promise<Access[]> =>
  (await api!.entries()).flatMap((entry) => (entry.kind === "access" && entry.operation === operation ? [entry] : []));
const folders = async (): Promise<string[]> => readdir(join(api!.journal.dir, "exports")).catch(() => []);

describe("an export", () => {
  it("is a CSV file of all matches, and the journal says who made it and who fetched it", async () => {
    api = await aJournal();
    const done = await exported({ filter: "action:DoNotCall", format: "csv", purpose: "case 12" }, auditor());
    expect(done).toMatchObject({
      state: "done",
      by: "ada",
      purpose: "case 12",
      format: "csv",
      tenants: null,
      progress: { entries: done.progress.of },
      found: { matching: 3, entries: 6, warnings: [], not_covered: [], complete: null },
      file: { name: `ocsgw-export-${done.id}.csv`, expires: expect.stringMatching(/Z$/) },
    });
    const { reply } = await api.ask(`GET ${PATH}/${done.id}/file`, { as: auditor() });
    const csv = await bodyOf(reply);
    expect([csv.length, reply.status]).toEqual([done.file.bytes, 200]);
    const rows = csv.toString().split("\r\n");
    expect([rows.length, rows[0]]).toEqual([5, expect.stringMatching(/^index,time,/)]);
    expect(csv.toString()).toContain(",'=beta-canary,");
    expect(await accesses("export")).toMatchObject([
      { user: "ada", role: "auditor", purpose: "case 12", query: "action:DoNotCall", dnc: { "ocs/101": 2 } },
    ]);
    await fileOf(done.id, auditor());
    expect(await accesses("download")).toMatchObject([{ user: "ada", query: "action:DoNotCall" }]);
  });

  it("is readable by the gateway's user only", async () => {
    api = await aJournal();
    const { id, file } = await exported({ format: "ndjson" });
    const folder = join(api.journal.dir, "exports");
    const modes = await Promise.all(
      [folder, join(folder, id), join(folder, id, file.name)].map(async (path) => (await stat(path)).mode & 0o777),
    );
    expect(modes.map((mode) => mode.toString(8))).toEqual(["700", "700", "600"]);
  });

  it("as NDJSON has the lines of the journal, byte for byte", async () => {
    api = await aJournal();
    const { id } = await exported({ filter: "tenant:102", format: "ndjson" });
    const lines = (await fileOf(id)).toString().trimEnd().split("\n");
    const { stdout } = await promisify(execFile)("sh", ["-c", `cat ${api.journal.dir}/segments/*.jsonl`]);
    expect(lines.length).toBe(2);
    for (const line of lines) expect(stdout.split("\n")).toContain(line);
  });

  it("as HTML is a page to print, with who made it and why", async () => {
    api = await aJournal();
    const { id } = await exported({ filter: "tenant:102", format: "html", purpose: "case <12>" });
    const html = (await fileOf(id)).toString();
    expect(html).toContain("Purpose: case &lt;12&gt;");
    expect(html).toContain("by admin token");
    expect(html).toContain("<td>=beta-canary</td>");
    expect(html.match(/<tr>/g)?.length).toBe(2);
  });

  it("as a bundle can be verified with the gateway's key", async () => {
    api = await aJournal();
    const done = await exported({ filter: "action:DoNotCall tenant:101", format: "bundle", purpose: "case 12" });
    expect(done.found).toMatchObject({ matching: 2 });
    const zip = join(api.dir, "bundle.zip");
    await writeFile(zip, await fileOf(done.id));
    await mkdir(join(api.dir, "bundle"));
    await unpack(zip, join(api.dir, "bundle"));
    const report = await verifyBundle(join(api.dir, "bundle"), api.checkpoints.verifierKey);
    expect(report).toMatchObject({ verdict: "ok" });
  });

  it("about a person has tokens in place of the number everywhere, and says whether it is complete", async () => {
    api = await aJournal();
    const done = await exported({ phone: "(415) 555-0142", format: "bundle", purpose: "case 12" }, auditor());
    expect(done).toMatchObject({
      found: { matching: 1, complete: true },
      filter: expect.stringContaining("phone:t1:"),
    });
    const seen = [
      JSON.stringify(done),
      JSON.stringify(await api.entries()),
      (await fileOf(done.id)).toString("latin1"),
    ];
    for (const text of seen) expect(text).not.toMatch(/555.?0142|4155550142/);
    expect((await accesses("export"))[0]!.tokens).toMatchObject({ phone: expect.stringMatching(/^t1:/) });
    expect((await exported({ phone: "4155550100", format: "csv" })).found).toMatchObject({ matching: 0 });
  });

  it("has only the times from and to", async () => {
    api = await aJournal();
    expect((await exported({ format: "csv", to: "2020-01-01" })).found.matching).toBe(0);
    const whole = await exported({ filter: "tenant:101 OR tenant:102", format: "csv", from: "1h" });
    expect([whole.found.matching, whole.filter]).toEqual([
      3,
      expect.stringMatching(/^\(tenant:101 OR tenant:102\) since:\d{4}-/),
    ]);
  });

  it.each([
    [{ format: "xml" }, "format: expected one of ndjson, csv, html, bundle, case"],
    [{}, "format: expected one of ndjson, csv, html, bundle, case"],
    [{ format: "case" }, "format: a case is about a person: expected phone or customer_id"],
    [{ format: "csv", filter: "tenant:" }, expect.stringContaining("tenant:")],
    [{ format: "csv", from: "yesterday" }, expect.stringMatching(/^from: expected a time/)],
    [{ format: "csv", to: "2026-13-01" }, expect.stringMatching(/^to: expected a time/)],
    [{ format: "csv", phone: "4155550142", customer_id: "a" }, expect.stringMatching(/^phone: /)],
    [{ format: "csv", purpose: "415-555-0142 called" }, expect.stringMatching(/^purpose: /)],
    [{ format: "csv", file: "/etc/passwd" }, expect.stringMatching(/^"file" is unknown/)],
  ])("is not begun for %j", async (body, error) => {
    api = await aJournal();
    expect(await api.ask(`POST ${PATH}`, { body })).toMatchObject({ status: 400, value: { error } });
    expect([await accesses("export"), await folders()]).toEqual([[], []]);
  });

  it("needs a purpose from a person with a session", async () => {
    api = await aJournal();
    const answered = await api.ask(`POST ${PATH}`, { as: auditor(), body: { format: "csv" } });
    expect(answered).toMatchObject({ status: 400, value: { error: expect.stringMatching(/^purpose: /) } });
  });

  it("is not begun while two are running", async () => {
    api = await aJournal();
    const asked = { body: { format: "csv" } };
    const answers = await Promise.all([1, 2, 3].map(() => api!.ask(`POST ${PATH}`, asked)));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([202, 202, 503]);
    await Promise.all(answers.flatMap(({ status, value }) => (status === 202 ? [ended(value.id)] : [])));
  });

  it("fails with a reason when the journal is not as it was signed", async () => {
    api = await aJournal();
    await api.checkpoints.write();
    const [segment] = (await readdir(join(api.journal.dir, "segments"))).filter((name) => name.endsWith(".jsonl"));
    const path = join(api.journal.dir, "segments", segment!);
    await writeFile(path, (await readFile(path, "utf8")).replace("alpha-crm", "alpha-crx"));
    for (const format of ["bundle", "csv"])
      expect(await exported({ format })).toMatchObject({ state: "failed", error: expect.any(String), file: null });
    await vi.waitFor(async () => expect(await folders()).toEqual([]), { timeout: 10_000 });
  });

  it("can be cancelled, and leaves nothing", async () => {
    api = await aJournal();
    const { value } = await api.ask(`POST ${PATH}`, { body: { format: "csv" } });
    expect(await api.ask(`DELETE ${PATH}/${value.id}`)).toMatchObject({
      status: 200,
      value: { state: "cancelled", file: null },
    });
    expect(await folders()).toEqual([]);
    expect((await api.ask(`GET ${PATH}/${value.id}/file`)).status).toBe(404);
  });

  it("is unknown under another id, and has no file before it is done", async () => {
    api = await aJournal();
    for (const line of ["GET {}", "GET {}/events", "GET {}/file", "DELETE {}"])
      expect((await api.ask(line.replace("{}", `${PATH}/${ulid()}`))).status).toBe(404);
    const { value } = await api.ask(`POST ${PATH}`, { body: { format: "csv" } });
    expect((await api.ask(`GET ${PATH}/${value.id}/file`)).status).toBe(409);
    await ended(value.id);
  });

  it("counts as a look-up if it is about a person", async () => {
    api = await aJournal(undefined, { admin: { bind: "127.0.0.1:0", look_ups: "2/h" } });
    const body = { phone: NUMBER, purpose: "case 12" };
    const ask = async () => (await api!.ask("POST /api/audit/look-up", { as: auditor(), body })).status;
    await exported({ ...body, format: "csv" }, auditor());
    expect([await ask(), await ask()]).toEqual([200, 429]);
    const refused = await api.ask(`POST ${PATH}`, { as: auditor(), body: { ...body, format: "csv" } });
    expect([refused.status, refused.reply.headers]).toMatchObject([
      429,
      expect.arrayContaining([["Retry-After", expect.stringMatching(/^3[56]\d\d$/)]]),
    ]);
    expect((await api.ask("POST /api/audit/look-up", { as: TOKEN, body })).status).toBe(200);
    expect((await api.entries()).filter(({ kind }) => kind === "alarm")).toMatchObject([{ detail: "ada" }]);
  });
});

it("a filter that names a person counts as a look-up in pages, streams and exports, once within the hour", async () => {
  api = await aJournal(undefined, { admin: { bind: "127.0.0.1:0", look_ups: "2/h" } });
  const as = auditor();
  const [first, second, third] = ["a", "b", "c"].map((digit) => `phone:t1:${digit.repeat(64)}`);
  const page = (filter: string) => `GET /api/flows?limit=1&filter=${filter}`;
  const status = async (line: string, body?: object) => (await api!.ask(line, { as, ...(body && { body }) })).status;
  expect([await status(page(first!)), await status(`${page(first!)}&cursor=5`)]).toEqual([200, 200]);
  const { value } = await api.ask("POST /api/audit/look-up", { as, body: { phone: NUMBER, purpose: "case 12" } });
  expect(await status(page(`phone:${value.evidence.tokens.join(",")}`))).toBe(200);
  for (const line of [
    page(second!),
    page(encodeURIComponent(`is:ok OR -${third}`)),
    `GET /api/flows/stream?filter=${second!}`,
  ])
    expect(await status(line), line).toBe(429);
  expect(await status(`POST ${PATH}`, { filter: second, format: "csv", purpose: "case 12" })).toBe(429);
  expect(await status(`POST ${PATH}`, { filter: first, format: "csv", purpose: "case 12" })).toBe(202);
  const noted = (await api.entries()).filter((entry) => entry.kind === "access");
  expect(noted.filter(({ operation }) => operation === "look-up")).toHaveLength(4);
});

describe("the folder of exports", () => {
  it("loses files whose time is over, and those of an earlier run, and nothing else", async () => {
    api = await anApi(given, {
      config: { admin: { bind: "127.0.0.1:0" } },
      parts: async (all) => {
        const folder = join(all.journal.dir, "exports");
        await mkdir(join(folder, ulid()), { recursive: true });
        await mkdir(join(folder, "kept"));
        return parts({ keepMs: 300 })(all);
      },
    });
    expect(await folders()).toEqual(["kept"]);
    const { id } = await exported({ format: "csv" });
    await vi.waitFor(async () => expect(await folders()).toEqual(["kept"]), { timeout: 5000 });
    expect((await api.ask(`GET ${PATH}/${id}`)).value).toMatchObject({ state: "done", file: null });
    expect((await api.ask(`GET ${PATH}/${id}/file`)).status).toBe(404);
    await exported({ format: "csv" });
    const { dir } = api.journal;
    await api.stop();
    expect(existsSync(join(dir, "exports"))).toBe(false);
    api = undefined;
  });

  it("refuses exports beyond its budget, and where the disk is nearly full", async () => {
    api = await aJournal({ most: 1e6 });
    const first = await exported({ format: "ndjson" });
    await writeFile(join(api.journal.dir, "exports", first.id, "more"), Buffer.alloc(1e6));
    const refused = await api.ask(`POST ${PATH}`, { body: { format: "csv" } });
    expect(refused).toMatchObject({ status: 503, value: { error: expect.stringContaining("max_size") } });
    await api.ask(`DELETE ${PATH}/${first.id}`);
    await exported({ filter: "tenant:102", format: "csv" });
    await api.stop();
    api = await aJournal({ leastFree: Number.MAX_SAFE_INTEGER });
    const full = await api.ask(`POST ${PATH}`, { body: { format: "csv" } });
    expect(full).toMatchObject({ status: 503, value: { error: expect.stringContaining("stay free") } });
    expect(await accesses("export")).toEqual([]);
  });

  it("ends an export that has used up the budget", async () => {
    api = await aJournal({ most: 1 });
    const { value } = await api.ask(`POST ${PATH}`, { body: { format: "ndjson" } });
    const folder = join(api.journal.dir, "exports", value.id);
    await writeFile(join(folder, "part"), "more than one byte");
    expect(await ended(value.id)).toMatchObject({ state: "failed", error: expect.stringContaining("max_size") });
    await vi.waitFor(async () => expect(await folders()).toEqual([]), { timeout: 10_000 });
  });
});

describe("a person who may see one tenant only", () => {
  const as = auditor([102]);

  it("exports that tenant only, without places in the journal", async () => {
    api = await aJournal();
    const done = await exported({ format: "csv", purpose: "case 12" }, as);
    expect(done).toMatchObject({ tenants: [102], progress: { entries: 100, of: 100 }, found: { matching: 1 } });
    const [head, row, end] = (await fileOf(done.id, as)).toString().split("\r\n");
    expect([head, row, end]).toEqual([
      expect.stringMatching(/^time,kind,.*,dnc$/),
      expect.stringContaining("Beta Tenant"),
      "",
    ]);
    const html = (await fileOf((await exported({ format: "html", purpose: "x" }, as)).id, as)).toString();
    expect([html.includes("Beta Tenant"), html.includes("Alpha"), html.includes(">index<")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each(["ndjson", "bundle"])("cannot have the format %s", async (format) => {
    api = await aJournal();
    expect(await api.ask(`POST ${PATH}`, { as, body: { format, purpose: "x" } })).toMatchObject({
      status: 400,
      value: { error: expect.stringMatching(/^format: expected csv or html/) },
    });
  });

  it("cannot widen the filter, and is not told whether another tenant exists", async () => {
    api = await aJournal();
    for (const filter of ["tenant:101", 'tenant:"Alpha Tenant"', "tenant:999", "tenant:101 OR tenant:102"]) {
      const { found } = await exported({ filter, format: "csv", purpose: "x" }, as);
      expect([filter, found]).toEqual([
        filter,
        {
          matching: filter.endsWith("102") ? 1 : 0,
          entries: expect.any(Number),
          warnings: [],
          not_covered: [],
          complete: null,
        },
      ]);
    }
    expect(
      (await api.ask(`POST ${PATH}`, { as, body: { filter: "a) OR (b", format: "csv", purpose: "x" } })).status,
    ).toBe(400);
  });

  it("sees and fetches no export of others", async () => {
    api = await aJournal();
    const [whole, own] = [await exported({ format: "csv" }), await exported({ format: "csv", purpose: "x" }, as)];
    const ids = async (viewer = as) =>
      (await api!.ask(`GET ${PATH}`, { as: viewer })).value.exports.map(({ id }: { id: string }) => id);
    expect([await ids(), await ids(TOKEN), await ids(auditor([101])), await ids(auditor([101, 102]))]).toEqual([
      [own.id],
      [own.id, whole.id],
      [],
      [own.id],
    ]);
    for (const line of ["GET {}", "GET {}/events", "GET {}/file", "DELETE {}"])
      expect((await api.ask(line.replace("{}", `${PATH}/${whole.id}`), { as })).status).toBe(404);
  });
});
