/** A whole gateway on a journal some of which is old. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadOrCreateKey } from "../../src/journal/integrity/checkpoints/checkpoint.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { verifyJournal } from "../../src/journal/verify/verify.ts";
import { aJournal, keyBeside, ORIGIN, segmentsOf } from "../journal/kit.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";

/**
 * What is deleted after it, and when not even then, is looked at in test/app/wiring/journal/retention.test.ts, whose
 * hours are short.
 */
it("deletes nothing in its first hour, over several starts, whatever its retention says", async () => {
  const base = twoTenants("http://127.0.0.1:9");
  const audit = { ...(base.audit as object), retention: "1ms", checkpoint: { key: "checkpoint.pem", origin: ORIGIN } };
  const dir = await aConfigured({ ...base, audit }, ["alpha", "beta"]);
  const place = join(dir, "audit");
  try {
    await aJournal(place, await loadOrCreateKey(join(dir, "checkpoint.pem")), {
      size: 8,
      checkpointsAt: [8],
      segmentBytes: 1000,
    });
    const before = await segmentsOf(place);
    expect(before.length).toBeGreaterThan(2);
    for (let start = 0; start < 2; start++) await (await startGateway(join(dir, "ocsgw.yaml"))).end("SIGTERM");
    const deleted = (await Array.fromAsync(readEntries(place))).filter(({ kind }) => kind === "deleted");
    expect([deleted, (await segmentsOf(place)).slice(0, before.length)]).toEqual([[], before]);
    expect(await verifyJournal(place, { vkey: await keyBeside(place) })).toMatchObject({ verdict: "ok", findings: [] });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
