import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { listByName } from "../../../src/sandbox/world/directory.ts";
import { GROUPS, HANDLES, LISTS, TENANTS, seedRecords } from "../../../src/sandbox/world/seed.ts";
import type { World, WorldOptions } from "../../../src/sandbox/world/world.ts";
import { aWorld, chainOf, post, recordOfHandle, stateOfHandle, verdict, openRecords } from "../support.ts";

const worlds: World[] = [];
const directories: string[] = [];
const make = (options?: WorldOptions): World => {
  const world = aWorld(options);
  worlds.push(world);
  return world;
};
afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const contents = ({ db }: World): object[] =>
  [
    "tenant",
    "campaign",
    "campaign_group",
    "calling_list",
    "record",
    "do_not_call_list",
    "record_handle",
    "counter",
  ].map((table) => db.all(`SELECT * FROM ${table}`));

describe("the seeded world", () => {
  it("has the tenants, groups and lists of the seed", () => {
    const { db } = make();
    expect(TENANTS.map(({ dbid, name }) => [dbid, name])).toEqual([
      [101, "Alpha Tenant"],
      [102, "Beta Tenant"],
    ]);
    expect(db.all("SELECT dbid, status FROM campaign_group ORDER BY dbid")).toEqual(
      GROUPS.map(({ dbid, status }) => ({ dbid, status })),
    );
    expect(db.all("SELECT list_dbid AS dbid, count(*) AS records FROM record GROUP BY list_dbid")).toEqual(
      LISTS.map(({ dbid, records }) => ({ dbid, records })),
    );
  });

  it("uses only phone numbers reserved for fiction", () => {
    for (const { phone } of seedRecords(7)) expect(phone).toMatch(/^41555501\d\d$/);
  });

  it("has three chains of three and five numbers on the do-not-call list", () => {
    const world = make();
    for (const handle of [17, 18, 19])
      expect(chainOf(world, recordOfHandle(world, handle)).map(({ chain_n }) => chain_n)).toEqual([0, 1, 2]);
    expect(
      world.db.get(
        "SELECT count(*) AS count FROM record WHERE list_dbid = 301 AND contact_info IN (SELECT phone FROM " +
          "do_not_call_list WHERE tenant_dbid = 101)",
      ),
    ).toEqual({ count: 5 });
  });

  it("has the handles of the seed, each with its own record", () => {
    const world = make();
    for (const { handle, state, list } of HANDLES) {
      expect(stateOfHandle(world, handle)).toBe(state);
      expect(recordOfHandle(world, handle)).toMatchObject({ list_dbid: list, record_status: state === "open" ? 2 : 4 });
    }
    expect(world.db.get("SELECT count(DISTINCT record_id) AS count FROM record_handle")).toEqual({
      count: HANDLES.length,
    });
  });

  it("depends only on the seed", () => {
    const first = contents(make({ seed: 3 }));
    expect(contents(make({ seed: 3 }))).toEqual(first);
    expect(contents(make({ seed: 4 }))).not.toEqual(first);
  });

  it("is restored by a reset, including the clock", async () => {
    const world = make();
    const before = contents(world);
    world.clock.advance(3_600_000);
    await post(world, "/records/20?req=DoNotCall");
    await post(world, "/campaigngroups/106?req=ForceUnload");
    expect(contents(world)).not.toEqual(before);
    world.reset();
    expect(contents(world)).toEqual(before);
  });
});

describe("opening records", () => {
  const alpha = (world: World) => openRecords(world, listByName(world, "Alpha List")!, 1000)!;

  it("issues increasing handles from 1000, marks the record, and never retrieves one twice", () => {
    const world = make();
    const opened = alpha(world);
    expect(opened.map(({ handle }) => handle)).toEqual(opened.map((_, index) => 1000 + index));
    expect(new Set(opened.map(({ phone }) => phone)).size).toBe(opened.length);
    expect(opened[0]).toMatchObject({
      list: "Alpha List",
      campaign: "Alpha Campaign",
      tenant: "Alpha Tenant",
      group: 106,
    });
    expect(recordOfHandle(world, 1000)).toMatchObject({
      record_status: 2,
      attempt: 1,
      campaign_id: 139,
      group_id: 234,
      switch_id: 105,
      app_id: 398,
    });
    expect(alpha(world)).toEqual([]);
  });

  it("opens one record of a chain at a time", async () => {
    const world = make();
    expect(alpha(world).map(({ phone }) => phone)).not.toContain("4155550101");
    await post(world, "/records/17?req=RequestRecordCancel");
    expect(alpha(world).map(({ phone }) => phone)).toEqual(["4155550101"]);
  });

  it("does not open a callback before it is due", async () => {
    const world = make();
    alpha(world);
    await post(world, "/records/15?req=RecordReschedule", { GSW_DATE_TIME: "03/01/2026 12:10", GSW_TZ_NAME: "GMT" });
    expect(alpha(world)).toEqual([]);
    world.clock.advance(600_000);
    expect(alpha(world).map(({ phone }) => phone)).toEqual([recordOfHandle(world, 15).contact_info]);
  });

  it("fails for a list that no running group uses", () => {
    const world = make();
    expect(openRecords(world, listByName(world, "Beta List")!, 1)).toBeUndefined();
  });
});

describe("a world in a directory", () => {
  it("is loaded again, and its handles are never reused", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "sandbox-"));
    directories.push(stateDir);
    const first = aWorld({ stateDir });
    openRecords(first, listByName(first, "Alpha List")!, 2);
    await post(first, "/records/1000?req=RecordProcessed");
    first.close();
    const second = make({ stateDir });
    expect(verdict(await post(second, "/records/1000?req=RecordProcessed"))).toBe("410/112");
    expect(verdict(await post(second, "/records/1001?req=RecordProcessed"))).toBe("200");
    expect(openRecords(second, listByName(second, "Alpha List")!, 1)![0]!.handle).toBe(1002);
  });
});
