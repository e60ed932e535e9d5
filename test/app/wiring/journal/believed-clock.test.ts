/** A complete gateway: revocations that expire by the trusted clock, and what it knows from its start state. */
import { rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startGateway } from "../../../../src/app/start.ts";
import type { Gateway } from "../../../../src/app/gateway.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { createCheckpoints, loadOrCreateKey } from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { askGateway } from "../../../../src/journal/command-socket.ts";
import { paths } from "../../../../src/journal/paths.ts";
import { loadSettings } from "../../../../src/settings/load.ts";
import { aConfigured, basic, twoTenants } from "../../../kit/gateway.ts";

let dir: string;
let gateway: Gateway | undefined;
afterEach(async () => {
  await gateway?.stop("test");
  gateway = undefined;
  await rm(dir, { recursive: true, force: true });
});

const audit = (): string => join(dir, "audit");
const start = async (): Promise<void> => {
  const loaded = await loadSettings(join(dir, "ocsgw.yaml"), {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { settings, hash: configHash, files } = loaded;
  gateway = await startGateway({ settings, configHash, files, file: join(dir, "ocsgw.yaml"), adminToken: "token" });
};
const stop = async (): Promise<void> => {
  await gateway!.stop("test");
  gateway = undefined;
};
const doNotCall = async (client: string): Promise<number> => {
  const headers = { Authorization: basic(client), "Content-Type": "application/json" };
  const { url } = gateway!.listeners[0]!;
  return (await fetch(`${url}/phones/4155550100?req=DoNotCall`, { method: "POST", body: "{}", headers })).status;
};

describe("a revocation with an expiry", () => {
  it(
    "stays in force until the clock is trusted, also after a start from a start state",
    { timeout: 30_000 },
    async () => {
      dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"]);
      // The last entry is of 2020. By today's clock, years later, the revocation would have expired.
      const wall = Date.parse("2020-01-01T00:00:00Z") * 1000;
      const journal = await openJournal({
        dir: audit(),
        durability: "os",
        clocks: { wall: () => wall, steady: () => 0 },
      });
      const revocation = { kind: "client", id: "alpha", until: "2020-02-01T00:00:00.000Z" } as const;
      await journal.append({ kind: "config", config_hash: "h", change: "revocations", revocations: [revocation] });
      const signing = { key: await loadOrCreateKey(join(dir, "checkpoint.pem")), origin: "test.example/journal" };
      await (await createCheckpoints(journal, { ...signing, everyMs: 3_600_000 })).stop();
      await journal.close();
      await start();
      const revoked = await doNotCall("alpha");
      expect([revoked, (await doNotCall("beta")) >= 500]).toEqual([401, true]);
      await stop();
      await start();
      expect(await doNotCall("alpha")).toBe(revoked);
      await askGateway(paths(audit()).commands, { name: "confirm-clock", body: { user: "maria" } });
      await stop();
      await start();
      expect(await doNotCall("alpha")).not.toBe(revoked);
    },
  );
});

describe("open Do-Not-Calls of the previous run", () => {
  it("are known from the start state, before the index is asked", { timeout: 30_000 }, async () => {
    dir = await aConfigured({ ...twoTenants("http://127.0.0.1:9"), admin: { bind: "127.0.0.1:0" } }, ["alpha", "beta"]);
    const open = async (): Promise<string | undefined> =>
      /^ocsgw_dnc_open\{tenant="Alpha Tenant"\} (\d+)$/m.exec(
        await (await fetch(`${gateway!.admin}/metrics`, { headers: { Authorization: "Bearer token" } })).text(),
      )?.[1];
    await start();
    expect(await doNotCall("alpha")).toBeGreaterThanOrEqual(500);
    await stop();
    for (const name of ["index.sqlite", "index"]) await rm(join(audit(), name), { recursive: true, force: true });
    await start();
    expect([await open(), existsSync(join(audit(), "index.sqlite"))]).toEqual(["1", false]);
    await stop();
    // Without a start state the count is unknown at first.
    await rm(join(audit(), "states"), { recursive: true });
    await start();
    expect(await open()).toBeUndefined();
  });
});
