import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aSetting, EVENING, until, type Setting } from "../dialer/kit.ts";

let setting: Setting;
beforeEach(async () => {
  setting = await aSetting(() => EVENING);
});
afterEach(() => setting.end());

describe("the webhook", () => {
  it("gets every event, and a repeated post after a failure", async () => {
    let refused = 0;
    setting.validator.answer = () => ({ status: refused++ === 0 ? 500 : 204 });
    const dialer = setting.make({ webhook: `${setting.validator.url}/all` });
    await dialer.dial({ count: 1 });
    await until(() => setting.validator.posts.length === 2);
    expect(setting.validator.posts[1]!.body).toEqual(setting.validator.posts[0]!.body);
    expect(setting.validator.posts[0]).toMatchObject({
      path: "/validate/all",
      body: { id: 1, type: "record.dialed", udata: { GSW_RECORD_HANDLE: 1000 } },
    });
  });

  it("of one dial request gets only the events of that request", async () => {
    const dialer = setting.make();
    await dialer.dial({ count: 1 });
    await dialer.dial({ count: 1, to: setting.validator.url });
    await until(() => setting.validator.posts.length === 1);
    expect(setting.validator.posts[0]!.body).toMatchObject({ id: 2, udata: { GSW_RECORD_HANDLE: 1001 } });
  });
});
