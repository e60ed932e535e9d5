import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "../../../src/sandbox/world/world.ts";
import { aSetting, EVENING, until, type Setting } from "./kit.ts";
import { post, recordOfHandle } from "../support.ts";

let setting: Setting;
let world: World;
let now: number;
const make: Setting["make"] = (...given) => setting.make(...given);
beforeEach(async () => {
  now = EVENING;
  setting = await aSetting(() => now);
  ({ world } = setting);
});
afterEach(() => setting.end());

describe("call reports", () => {
  const reports = (): Record<string, unknown>[] => setting.validator.posts.map(({ body }) => body);

  it("are sent at the attempt and, with the result, at the end, both with the same attempt id", async () => {
    const dialer = make({ historyUri: setting.validator.url });
    await dialer.dial({ count: 1 });
    await until(() => reports().length === 1);
    await post(world, "/records/1000?req=RecordProcessed", { GSW_CALL_RESULT: 33 });
    dialer.settled();
    await until(() => reports().length === 2);
    const [first, second] = reports();
    expect(first).toMatchObject({
      GSW_HIST_SEQUENCE_NUM: 0,
      GSW_TENANT_NAME: "Alpha Tenant",
      GSW_CAMPAIGN_NAME: "Alpha Campaign",
      GSW_CAMPAIGN_GROUP_NAME: "Alpha Campaign@Alpha Agents",
      GSW_CALLING_LIST: "Alpha List",
      GSW_CALLING_LIST_DBID: 301,
      GSW_PHONE: recordOfHandle(world, 1000).contact_info,
    });
    expect(first).not.toHaveProperty("GSW_CALL_RESULT");
    expect(second).toEqual({ ...first, GSW_HIST_SEQUENCE_NUM: 1, GSW_CALL_RESULT: 33 });
  });

  it("are repeated at the end of a call until the server accepts them", async () => {
    const dialer = make({ historyUri: setting.validator.url });
    await dialer.dial({ count: 1 });
    await until(() => reports().length === 1);
    let refused = 0;
    setting.validator.answer = () => ({ status: ++refused < 3 ? 503 : 200 });
    await post(world, "/records/1000?req=RecordReject");
    for (let more = 0; more < 3; more++) {
      dialer.settled();
      await until(() => reports().length === 2 + more);
    }
    await until(() => world.db.get("SELECT 1 FROM record_handle WHERE handle = 1000 AND reports = 2") !== undefined);
    expect(
      reports()
        .slice(1)
        .map((report) => report["GSW_HIST_SEQUENCE_NUM"]),
    ).toEqual([1, 1, 1]);
  });

  it("are sent without a request when a call goes stale", async () => {
    const dialer = make({ historyUri: setting.validator.url });
    await dialer.dial({ count: 1 });
    await until(() => reports().length === 1);
    now += world.staleTimeout;
    await until(() => reports().length === 2);
    expect(reports()[1]).toMatchObject({ GSW_HIST_SEQUENCE_NUM: 1, GSW_CALL_RESULT: 46 });
  });
});
