import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createAuditJobs } from "../../../src/app/wiring/journal/jobs/audit-jobs.ts";
import type { BackgroundVerify } from "../../../src/app/wiring/journal/background-verify.ts";
import { MOST_STREAMS } from "../../../src/admin/jobs/jobs.ts";
import type { Access } from "../../../src/journal/entry.ts";
import type { BodyStream, Reply } from "../../../src/common/message.ts";
import { aDoNotCall } from "../../journal/kit.ts";
import { anApi, auditor, TOKEN, type TestApi } from "./kit.ts";

let api: TestApi | undefined;
let jobs: Awaited<ReturnType<typeof createAuditJobs>>;
afterEach(() => api?.stop());

const NOTHING: BackgroundVerify = { verified: () => undefined, damage: () => [], wasSetAside: () => undefined };
const EMPTY = { states: () => [], troubles: () => [] };
const ALONE = { witnesses: () => [], quorum: () => null, timestamps: () => null };

const aJournal = (size: number, backgroundVerify = NOTHING): Promise<TestApi> =>
  anApi(
    Array.from({ length: size / 2 }, (_, number) => aDoNotCall(number, { upstream: "ocs" })),
    {
      parts: async ({ journal, checkpoints, settings, audit, stops }) => {
        const reading = () => ({ settings, hash: "h" });
        const core = { journal, checkpoints, checkpointSinks: EMPTY, outside: ALONE, current: () => settings, reading };
        return (jobs = await createAuditJobs({ core: core as never, audit, backgroundVerify }, stops));
      },
    },
  );

const ended = async (id: string, as = TOKEN) =>
  vi.waitFor(
    async () => {
      const { value } = await api!.ask(`GET /api/audit/verifications/${id}`, { as });
      expect(value.state).not.toBe("running");
      return value;
    },
    { timeout: 20_000, interval: 50 },
  );

/** The events of a stream, once it has ended. */
const eventsOf = (reply: Reply): Promise<string[]> =>
  new Promise((resolve) => {
    let text = "";
    const to: BodyStream = {
      write: (bytes) => {
        text += Buffer.from(bytes).toString();
        return Promise.resolve();
      },
      end: () => resolve(text.split("\n\n").filter(Boolean)),
      destroy: () => resolve([]),
    };
    reply.stream!(to);
  });

const verifyEntries = async (): Promise<Access[]> =>
  (await api!.entries()).flatMap((entry) => (entry.kind === "access" && entry.operation === "verify" ? [entry] : []));

describe("a verification", () => {
  it("reads the whole journal in the background, and the journal says who asked and what was found", async () => {
    api = await aJournal(40);
    const asked = { as: auditor(), body: { purpose: "yearly audit" } };
    const { status, value } = await api.ask("POST /api/audit/verifications", asked);
    expect([status, value]).toMatchObject([202, { by: "ada", purpose: "yearly audit", state: "running" }]);
    const done = await ended(value.id);
    expect(done).toMatchObject({
      state: "done",
      progress: { entries: done.progress.of },
      report: { verdict: "ok", covered: done.progress.of, findings: [], keys: { from: "config" } },
      away: [],
      error: null,
    });
    expect(await verifyEntries()).toMatchObject([
      { user: "ada", role: "auditor", purpose: "yearly audit" },
      { user: "ada", role: "auditor", purpose: "yearly audit", verdict: "ok", results: done.progress.of },
    ]);
    expect((await api.ask("GET /api/audit/verifications")).value.verifications).toMatchObject([{ id: value.id }]);
    expect((await api.ask("GET /api/integrity")).value).toMatchObject({
      state: "verified",
      verified: { size: done.progress.of, by: "ada", began: done.started, at: done.ended },
      last_verification: { by: "ada", verdict: "ok", covered: done.progress.of },
      running: null,
    });
    const { covered: size } = done.report;
    expect(jobs.integrity.reached()).toEqual({ verified: { size, at: Date.parse(done.ended) }, damage: [] });
  });

  it("finds a changed line, and then the journal counts as broken", async () => {
    api = await aJournal(40);
    await api.checkpoints.write();
    const segments = join(api.journal.dir, "segments");
    const [segment] = (await readdir(segments)).filter((name) => name.endsWith(".jsonl"));
    const text = await readFile(join(segments, segment!), "utf8");
    await writeFile(join(segments, segment!), text.replace("alpha-crm", "alpha-crx"));
    const { value } = await api.ask("POST /api/audit/verifications");
    expect(await ended(value.id)).toMatchObject({
      state: "done",
      report: { verdict: "broken", findings: [{ text: expect.stringContaining("line") }] },
    });
    expect((await api.ask("GET /api/integrity")).value.state).toBe("broken");
    expect(jobs.integrity.reached()).toMatchObject({
      damage: [expect.stringMatching(/^a verification by .* changed/)],
    });
    expect(await api.entries().catch(() => [])).toContainEqual(
      expect.objectContaining({ kind: "alarm", reason: "a verification found that the journal was changed" }),
    );
  });

  it("runs alone: a second one is told which one runs", async () => {
    api = await aJournal(40);
    const [one, other] = await Promise.all([
      api.ask("POST /api/audit/verifications"),
      api.ask("POST /api/audit/verifications"),
    ]);
    expect([one.status, other]).toMatchObject([202, { status: 409, value: { id: one.value.id } }]);
    await ended(one.value.id);
    expect((await api.ask("POST /api/audit/verifications")).status).toBe(202);
  });

  it("can be cancelled, and the journal says so", async () => {
    api = await aJournal(40);
    const { value } = await api.ask("POST /api/audit/verifications");
    const cancelled = await api.ask(`DELETE /api/audit/verifications/${value.id}`);
    expect(cancelled).toMatchObject({ status: 200, value: { state: "cancelled", report: null } });
    expect((await verifyEntries()).at(-1)).toMatchObject({ verdict: "cancelled", results: 0 });
    expect((await api.ask("GET /api/integrity")).value.last_verification).toBeNull();
  });

  it("sends its progress as events, and the report with the last one", async () => {
    api = await aJournal(40);
    const { value } = await api.ask("POST /api/audit/verifications");
    const { status, reply } = await api.ask(`GET /api/audit/verifications/${value.id}/events`);
    expect([status, reply.headers[0]]).toEqual([200, ["Content-Type", "text/event-stream"]]);
    const events = await eventsOf(reply);
    expect(events[0]).toMatch(/^event: progress\ndata: \{.*"state":"running"/);
    expect(events.at(-1)).toMatch(/^event: end\ndata: \{.*"verdict":"ok"/);
    const again = await eventsOf((await api.ask(`GET /api/audit/verifications/${value.id}/events`)).reply);
    expect(again).toEqual([events.at(-1)]);
  });

  it("gives each stream of progress its place back", async () => {
    api = await aJournal(4);
    const { value } = await api.ask("POST /api/audit/verifications");
    const replies = [];
    for (let number = 0; number < MOST_STREAMS; number++)
      replies.push((await api.ask(`GET /api/audit/verifications/${value.id}/events`)).reply);
    expect((await api.ask(`GET /api/audit/verifications/${value.id}/events`)).status).toBe(503);
    await Promise.all(replies.map(eventsOf));
    expect((await api.ask(`GET /api/audit/verifications/${value.id}/events`)).status).toBe(200);
  });

  it.each([
    ["a session without a purpose", auditor(), {}, /^purpose: expected why/],
    ["a session without a body", auditor(), undefined, /^purpose: expected why/],
    ["a phone number as purpose", TOKEN, { purpose: "call of 415-555-0100" }, /^purpose: .*phone number/],
    ["another member", TOKEN, { reason: "x" }, /^"reason" is unknown here/],
  ])("does not begin for %s", async (_what, as, body, error) => {
    api = await aJournal(4);
    expect(await api.ask("POST /api/audit/verifications", { as, body })).toMatchObject({
      status: 400,
      value: { error: expect.stringMatching(error) },
    });
    expect(await verifyEntries()).toEqual([]);
  });

  it("is unknown under another id", async () => {
    api = await aJournal(4);
    for (const asked of ["GET {}", "DELETE {}", "GET {}/events"])
      expect((await api.ask(asked.replace("{}", "/api/audit/verifications/01KAPQ"))).status).toBe(404);
  });
});

describe("GET /api/integrity", () => {
  it("says what is verified, by whom, and what cannot be proved", async () => {
    const mark = { size: 10, at: Date.UTC(2026, 10, 22), began: Date.UTC(2026, 10, 21) };
    api = await aJournal(40, { ...NOTHING, verified: () => mark });
    const { value } = await api.ask("GET /api/integrity");
    expect(value).toMatchObject({
      state: "verified",
      verified: { size: 10, at: "2026-11-22T00:00:00.000Z", began: "2026-11-21T00:00:00.000Z", by: null },
      pending: value.entries - 10,
      keys: [{ current: true, verifier_key: api.checkpoints.verifierKey }],
      check_yourself: expect.stringContaining(api.checkpoints.verifierKey.slice(0, 20)),
      gaps: [],
      last_verification: null,
    });
    expect(value.cannot_prove[0]).toMatch(/no checkpoint is published elsewhere/);
    expect(value.cannot_prove.join()).toMatch(/requests that did not pass this gateway/);
  });

  it("is not verified before the first mark, and broken after damage", async () => {
    api = await aJournal(4);
    expect((await api.ask("GET /api/integrity")).value.state).toBe("not-checked");
    await api.stop();
    api = await aJournal(4, { ...NOTHING, damage: () => ["line 3 differs"] });
    expect((await api.ask("GET /api/integrity")).value).toMatchObject({ state: "broken", damage: ["line 3 differs"] });
  });

  it("finds the last verification of an earlier run in the journal", async () => {
    api = await aJournal(4);
    const old = { kind: "access", user: "eve", operation: "verify", results: 3 } as const;
    await api.journal.append({ kind: "access", user: "eve", operation: "verify" });
    await api.journal.append({ ...old, verdict: "ok" });
    await api.journal.append({ ...old, verdict: "cancelled" });
    expect((await api.ask("GET /api/integrity")).value.last_verification).toMatchObject({
      by: "eve",
      verdict: "ok",
      covered: 3,
    });
  });
});

describe("GET /api/integrity/checkpoints and /api/integrity/days", () => {
  it("pages through the checkpoints, newest first, with the key whose signature is valid", async () => {
    api = await aJournal(4);
    const sizes = [];
    for (let number = 10; number < 13; number++) {
      await api.checkpoints.write();
      sizes.unshift(api.checkpoints.last().size);
      for (const entry of aDoNotCall(number)) await api.journal.append(entry);
    }
    const first = (await api.ask("GET /api/integrity/checkpoints?limit=2")).value;
    const second = (await api.ask(`GET /api/integrity/checkpoints?limit=2&cursor=${first.next}`)).value;
    expect([...first.checkpoints, ...second.checkpoints].map(({ size }) => size)).toEqual(sizes);
    expect([first.total, second.next]).toEqual([3, null]);
    expect(first.checkpoints[0]).toMatchObject({
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
      key: expect.stringMatching(/^gateway\.test\/main\+[0-9a-f]{8}$/),
      cosigned: [],
      timestamp: null,
      published: [],
    });
  });

  it("names no key for a checkpoint that was changed", async () => {
    api = await aJournal(4);
    await api.checkpoints.write();
    const { size } = api.checkpoints.last();
    const path = join(api.journal.dir, "checkpoints", String(size).padStart(12, "0"));
    await writeFile(path, (await readFile(path, "utf8")).replace(`\n${size}\n`, `\n${size + 1}\n`));
    expect((await api.ask("GET /api/integrity/checkpoints")).value.checkpoints).toMatchObject([
      { size, root: null, key: null },
    ]);
  });

  it("lists the days with their segments, and how far they are verified", async () => {
    const mark = { size: 2, at: 0, began: 0 };
    api = await aJournal(4, { ...NOTHING, verified: () => mark });
    await api.checkpoints.write();
    const { size } = api.checkpoints.last();
    expect((await api.ask("GET /api/integrity/days")).value).toEqual({
      days: [
        {
          day: new Date().toISOString().slice(0, 10),
          from: 0,
          to: size,
          segments: 1,
          compressed: 0,
          bytes: expect.any(Number),
          lines: true,
          verified: "partly",
          checkpoint: size,
        },
      ],
      next: null,
    });
  });

  it.each(["checkpoints?limit=0", "checkpoints?cursor=x", "days?limit=3", "days?cursor=-1"])(
    "rejects %s",
    async (at) => {
      api = await aJournal(4);
      expect((await api.ask(`GET /api/integrity/${at}`)).status).toBe(400);
    },
  );

  it("are for viewers of the whole gateway only", async () => {
    api = await aJournal(4);
    for (const path of ["integrity", "integrity/checkpoints", "integrity/days", "audit/verifications"])
      expect((await api.ask(`GET /api/${path}`, { as: auditor([101]) })).status).toBe(403);
  });
});
