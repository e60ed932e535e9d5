import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProofReport } from "../../../src/admin/api/evidence/isolation-proofs.ts";
import { ProofReports } from "../../../src/app/proof/reports.ts";
import { ulid } from "../../../src/common/ulid.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-test-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const START = Date.UTC(2026, 10, 30);
const content = (at: number) => ({
  id: ulid(START + at),
  by: "ada",
  purpose: null,
  started: new Date(START + at).toISOString(),
  ended: new Date(START + at + 1).toISOString(),
  config_hash: "c0ffee",
  gateway_version: "1.2.3",
  report: { verdict: "ok" } as ProofReport,
});

describe("the reports of proofs", () => {
  it("are the last fifty, newest first, without what a crash left half written", async () => {
    const reports = new ProofReports(dir);
    await writeFile(join(dir, `${ulid(START)}.json.tmp`), "{");
    const all = Array.from({ length: 53 }, (_, at) => content(at));
    for (const each of all) await reports.write(each);
    const kept = all.slice(3).map(({ id }) => id);
    expect((await readdir(dir)).toSorted()).toEqual(kept.map((id) => `${id}.json`));
    expect((await reports.list()).map(({ id }) => id)).toEqual(kept.toReversed());
    expect(await reports.find(all[0]!.id)).toBeUndefined();
  });

  it("are left out of the list where their file is none, and the others stay", async () => {
    const reports = new ProofReports(dir);
    await reports.write(content(0));
    await writeFile(join(dir, `${ulid(START + 5)}.json`), "not JSON");
    await writeFile(join(dir, "notes.json"), "{}");
    expect(await reports.list()).toMatchObject([{ by: "ada", verdict: "ok", percent: 100 }]);
  });

  it("are none where there is no folder yet", async () => {
    expect(await new ProofReports(join(dir, "missing")).list()).toEqual([]);
  });
});
