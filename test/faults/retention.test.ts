/** A whole gateway on a journal some of which is old. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadOrCreateKey } from "../../src/journal/checkpoint.ts";
import { readEntries } from "../../src/journal/read.ts";
import { verifyJournal } from "../../src/journal/verify.ts";
import { aJournal, keyBeside, ORIGIN, segmentsOf } from "../journal/kit.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";

it.each([
  ["deletes what its retention says, and says so", {}, true],
  ["keeps it all under a legal hold", { legal_hold: [{ name: "a case" }] }, false],
  ["keeps what one kind in it must stay for", { retention: { default: "1ms", intent: "30d" } }, false],
])("%s", async (_what, over, deletes) => {
  const base = twoTenants("http://127.0.0.1:9");
  const audit = { ...(base.audit as object), retention: "1ms", checkpoint: { key: "checkpoint.pem", origin: ORIGIN }, ...over };
  const dir = await aConfigured({ ...base, audit }, ["alpha", "beta"]);
  const place = join(dir, "audit");
  try {
    await aJournal(place, await loadOrCreateKey(join(dir, "checkpoint.pem")), { size: 8, checkpointsAt: [8], segmentBytes: 1000 });
    const before = await segmentsOf(place);
    expect(before.length).toBeGreaterThan(2);
    const gateway = await startGateway(join(dir, "ocsgw.yaml"));
    const retired = async (): Promise<object | undefined> => (await Array.fromAsync(readEntries(place))).find(({ kind }) => kind === "deleted");
    if (deletes) await expect.poll(retired, { timeout: 10_000 }).toMatchObject({ from: 0, segments: before.slice(0, -1) });
    await gateway.end("SIGTERM");
    if (!deletes) expect(await retired()).toBeUndefined();
    expect((await segmentsOf(place)).filter((name) => before.includes(name))).toEqual(deletes ? before.slice(-1) : before);
    expect(await verifyJournal(place, { vkey: await keyBeside(place) })).toMatchObject({ verdict: "ok", findings: [] });
    await (await startGateway(join(dir, "ocsgw.yaml"))).end("SIGTERM");
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
