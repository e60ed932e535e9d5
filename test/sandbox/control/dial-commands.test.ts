import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { receiver, type Receiver } from "../dialer/posted.ts";
import { NOON } from "../support.ts";

let ocs: SandboxOcs;
let other: Receiver;
let now: number;
beforeEach(async () => {
  now = NOON + 6 * 3_600_000;
  ocs = await startSandboxOcs({ now: () => now });
  other = await receiver();
});
afterEach(async () => {
  await ocs.close();
  await other.close();
});

const post = async (path: string, body?: object): Promise<{ status: number; value: Record<string, unknown> }> => {
  const response = await fetch(`${ocs.control}/${path}`, {
    method: "POST",
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, value: (await response.json()) as Record<string, unknown> };
};

describe("POST /sandbox/dial", () => {
  it("dials one record and answers with its event", async () => {
    expect((await post("dial")).value).toMatchObject({
      dialed: 1,
      events: [{ id: 1, type: "record.dialed", udata: { GSW_RECORD_HANDLE: 1000 } }],
    });
  });

  it("dials the requested number of records of a list, and says why the rest waits", async () => {
    const { value } = await post("dial", { list: "Alpha List", count: 1000 });
    expect(value["dialed"]).toBeGreaterThan(50);
    expect(value["short"]).toBe("no more records are due: 6 wait for another record of their chain");
  });

  it("says that records wait for their calling hours", async () => {
    now = NOON - 4 * 3_600_000;
    expect((await post("dial", { count: 1000 })).value["short"]).toMatch(
      /^no more records are due: \d+ wait for calling hours, \d+ for another record of their chain$/,
    );
  });

  it("says that no campaign group is running", async () => {
    ocs.world.db.run("UPDATE campaign_group SET status = 4");
    expect((await post("dial")).value).toEqual({ dialed: 0, events: [], short: "no campaign group is running" });
  });

  it("posts the events to the URL in the request", async () => {
    await post("dial", { to: other.url });
    for (let left = 100; left > 0 && other.posts.length === 0; left--)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(other.posts.map(({ body }) => body)).toMatchObject([{ id: 1, type: "record.dialed" }]);
  });

  it.each([
    [{ list: "Gamma List" }, 404],
    [{ list: "Beta List" }, 409],
    [{ count: 0 }, 400],
    [{ to: "ftp://x" }, 400],
    [{ to: "here" }, 400],
    [{ rate: 1 }, 400],
  ])("refuses %j with the reason", async (body, status) => {
    const answer = await post("dial", body);
    expect([answer.status, answer.value["error"]]).toEqual([status, expect.stringMatching(/\w+ \w+/)]);
  });
});

describe("GSW_RECORD_URI", () => {
  it("names the active OCS, unless another address is configured", async () => {
    const base = async (): Promise<unknown> =>
      ((await post("dial")).value as { events: { udata: { GSW_RECORD_URI: string } }[] }).events
        .at(-1)!
        .udata.GSW_RECORD_URI.replace(/\/records\/\d+$/, "");
    expect(await base()).toBe(ocs.primary.http);
    ocs.switchover();
    expect(await base()).toBe(ocs.backup.http);
    await post("dialer", { advertise: "https://gateway.example:8443/x" });
    expect(await base()).toBe("https://gateway.example:8443");
  });
});

describe("the dialer's settings", () => {
  it("are read and set by the names of OCS's options", async () => {
    const set = {
      rate: 0.5,
      "validation-uri": other.url,
      "history-uri": other.url,
      advertise: "http://gateway:8080/",
      "http-response-timeout": 2,
      "validation-timeout-call-result": 4,
    };
    expect((await post("dialer", set)).value).toEqual({ ...set, advertise: "http://gateway:8080", webhook: null });
    expect(await (await fetch(`${ocs.control}/dialer`)).json()).toEqual({
      ...set,
      advertise: "http://gateway:8080",
      webhook: null,
    });
    expect((await post("dialer", { rate: 0, "validation-uri": null })).value).toMatchObject({
      rate: 0,
      "validation-uri": null,
      "history-uri": other.url,
    });
    expect((await post("dialer", { advertise: null })).value).toMatchObject({ advertise: null });
  });

  it.each([
    [{ rate: -1 }],
    [{ rate: "5" }],
    [{ rate: 1e9 }],
    [{ "validation-uri": "x" }],
    [{ "http-response-timeout": 0 }],
    [{ "validation-timeout-call-result": 900 }],
    [{ advertise: "x" }],
    [{ other: 1 }],
  ])("refuse %j", async (body) => {
    expect((await post("dialer", body)).status).toBe(400);
  });
});

describe("POST /sandbox/records/open", () => {
  it("also validates each record", async () => {
    await post("dialer", { "validation-uri": other.url });
    other.answer = ({ body }) => (body["GSW_RECORD_HANDLE"] === 1000 ? { status: 409 } : { status: 200 });
    const { value } = await post("records/open", { count: 1 });
    expect(value).toMatchObject([{ handle: 1001 }]);
  });

  it("is refused while the validation-uri does not answer", async () => {
    await post("dialer", { "validation-uri": "http://127.0.0.1:9/" });
    expect(await post("records/open")).toMatchObject({
      status: 409,
      value: { error: "no answer from http://127.0.0.1:9/" },
    });
  });
});

describe("POST /sandbox/reset", () => {
  it("announces the handles of the seed again", async () => {
    await post("dialer", { "validation-uri": other.url });
    await ocs.dialer.announce();
    const before = other.posts.length;
    await post("reset");
    expect(other.posts.length).toBe(2 * before);
    expect(other.posts.at(-1)!.body).toMatchObject({ GSW_RECORD_HANDLE: 44 });
  });

  it("does not reuse other handles after they were posted to the validation-uri", async () => {
    await post("dialer", { "validation-uri": other.url });
    await post("records/open", { count: 3 });
    await post("reset");
    expect((await post("records/open")).value).toMatchObject([{ handle: 1003 }]);
  });
});
