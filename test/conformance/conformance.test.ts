import { afterEach, describe, expect, it } from "vitest";
import { conformance, type ConformanceOptions } from "../../src/cli/conformance/conformance.ts";
import type { Result } from "../../src/cli/conformance/run.ts";
import { rows } from "../../src/cli/conformance/rows.ts";
import {
  fakeGateway,
  fakeOcs,
  listen,
  type Answering,
  type Fake,
  type FakeReply,
  type FakeRequest,
} from "./fake-ocs.ts";

const open: Fake[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

const serve = async (answering: Parameters<typeof listen>[0]): Promise<Fake> => {
  const fake = await listen(answering);
  open.push(fake);
  return fake;
};

type Outcome = { exit: number; rows: Result[]; said: string; of: (title: string) => Result };
const examine = async (url: string, options: ConformanceOptions = {}): Promise<Outcome> => {
  const printed: string[] = [];
  const said: string[] = [];
  const exit = await conformance(url, {
    json: true,
    print: (text) => printed.push(text),
    complain: (text) => said.push(text),
    ...options,
  });
  const results = printed.length === 0 ? [] : (JSON.parse(printed.join("\n")) as { rows: Result[] }).rows;
  return { exit, rows: results, said: said.join("\n"), of: (title) => results.find(({ row }) => row === title)! };
};
const failures = ({ rows: results }: Outcome): string[] =>
  results.filter(({ verdict }) => verdict === "FAIL").map(({ row, reason }) => `${row}: ${reason}`);

/** An OCS, one answer of which is changed. */
const changed = (matches: RegExp, change: (reply: FakeReply) => FakeReply): Answering => {
  const ocs = fakeOcs();
  return (request) => {
    const reply = ocs(request);
    return matches.test(`${request.method} ${request.target} ${reply.status}`) ? change(reply) : reply;
  };
};

const without =
  (name: string) =>
  (reply: FakeReply): FakeReply => ({
    ...reply,
    headers: Object.fromEntries(Object.entries(reply.headers).filter(([header]) => header !== name)),
  });

describe("conformance, against an OCS", () => {
  it("is content with one that does what the manual says, over one connection", async () => {
    const fake = await serve(fakeOcs());
    const outcome = await examine(fake.url);
    expect(failures(outcome)).toEqual([]);
    expect(outcome.exit).toBe(0);
    expect(outcome.rows).toHaveLength(rows().length + 1);
    expect(outcome.rows.every(({ verdict }) => verdict === "ok")).toBe(true);
    expect(fake.connections()).toBe(1);
  });

  it.each([
    [
      "with a key that is wrong",
      ["alpha:wrong"],
      "conformance: the server rejects the key of alpha (401); the run was stopped",
    ],
    [
      "without a key",
      [],
      "conformance: the server requires credentials (401): add a client of the gateway with --key CLIENT:KEY",
    ],
  ])("stops at the first 401, %s", async (_, key, said) => {
    const fake = await serve(() => ({ status: 401, headers: { "Ocsgw-Code": "OCSGW-2001" }, body: "" }));
    const outcome = await examine(fake.url, { key });
    expect([outcome.exit, outcome.rows, outcome.said]).toEqual([2, [], said]);
    expect(fake.requests).toHaveLength(1);
  });

  it("rewrites Host and target to the server, once in absolute form", async () => {
    const fake = await serve(fakeOcs());
    await examine(fake.url);
    for (const { headers } of fake.requests) expect(headers.host).toBe(new URL(fake.url).host);
    expect(fake.requests.map(({ target }) => target).filter((target) => !target.startsWith("/"))).toEqual([
      `${fake.url}/campaigngroups/106`,
    ]);
    expect(fake.requests[0]).toMatchObject({
      method: "POST",
      target: "/records/15?req=RecordProcessed",
      headers: { "user-agent": "GVP/8.1 Banking self-service #2", "content-type": "application/json" },
    });
    expect(fake.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it.each<[string, string, RegExp, (reply: FakeReply) => FakeReply]>([
    [
      "another status",
      "manual: A Successful DoNotCall Request for a Specific Phone Number",
      /phones\/4155555555/,
      (reply) => ({ ...reply, status: 500 }),
    ],
    [
      "a body behind a POST's 200",
      "customer_ids: DoNotCall",
      /customer_ids.*DoNotCall/,
      (reply) => ({ ...reply, body: "ok" }),
    ],
    ["no Warning", "records: RecordReject again", /records\/18.* 410/, without("Warning")],
    [
      "another Warning",
      "manual: Unsuccessful Load of a Campaign Group",
      /106\?req=Load 409/,
      (reply) => ({ ...reply, headers: { ...reply.headers, Warning: "6" } }),
    ],
    [
      "a Warning by RFC 7234",
      "campaigngroups: Load, unknown group",
      /2147483647\?req=Load/,
      (reply) => ({ ...reply, headers: { ...reply.headers, Warning: '299 - "no"' } }),
    ],
    ["no Server", "phones: DoNotCall", /phones\/4155550195\?req=DoNotCall/, without("Server")],
    [
      "an error in JSON",
      "manual: An Unsuccessful RecordProcessed Request",
      /records\/15.* 410/,
      (reply) => ({ ...reply, headers: { ...reply.headers, "Content-type": "application/json" } }),
    ],
    ["no Etag", "campaigngroups: ReadStatus, all groups", /GET \/campaigngroups 200/, without("Etag")],
    [
      "a status in plain text",
      "campaigngroups: ReadStatus",
      /GET \/campaigngroups\/106/,
      (reply) => ({ ...reply, headers: { ...reply.headers, "Content-type": "text/plain" } }),
    ],
    [
      "a status that is no JSON",
      "campaigngroups: ReadStatus",
      /GET \/campaigngroups\/106/,
      (reply) => ({ ...reply, body: "{" }),
    ],
    [
      "another message type",
      "manual: Successful request for individual Campaign Group status",
      /GET \/campaigngroups\/115/,
      (reply) => ({ ...reply, body: reply.body.replace("24", "46") }),
    ],
    [
      "a group without its status",
      "campaigngroups: ReadStatus, all groups",
      /GET \/campaigngroups 200/,
      (reply) => ({ ...reply, body: reply.body.replace("GroupCampStatus", "Other") }),
    ],
    [
      "a group without its name",
      "campaigngroups: ReadStatus, all groups",
      /GET \/campaigngroups 200/,
      (reply) => ({ ...reply, body: reply.body.replace("@", " ") }),
    ],
    [
      "no OriginAppID",
      "campaigngroups: ReadStatus",
      /GET \/campaigngroups\/106/,
      (reply) => ({ ...reply, body: reply.body.replace("OriginAppID", "Other") }),
    ],
  ])("fails a row for %s", async (_, title, matches, change) => {
    const outcome = await examine((await serve(changed(matches, change))).url);
    expect(outcome.of(title)).toMatchObject({ verdict: "FAIL", reason: expect.stringMatching(/\w/) });
    expect(outcome.exit).toBe(9);
  });

  it("fails a handle that lives on after it was finalized", async () => {
    const outcome = await examine(
      (await serve(changed(/records\/21.* 410/, (reply) => ({ ...reply, status: 200, body: "" })))).url,
    );
    expect(failures(outcome)).toEqual(["records: RecordReschedule again: unexpected status"]);
  });

  it("fails a server that ends connections", async () => {
    const outcome = await examine(
      (
        await serve(
          changed(/phones\/4155555555/, (reply) => ({ ...reply, headers: { ...reply.headers, Connection: "close" } })),
        )
      ).url,
    );
    expect(failures(outcome)).toEqual([
      "one persistent connection: the server closed a connection that it should keep open",
    ]);
    expect(outcome.exit).toBe(9);
  });

  it("skips what needs a handle that was used before, and nothing else, in a second run", async () => {
    const fake = await serve(fakeOcs());
    await examine(fake.url);
    const outcome = await examine(fake.url);
    const skipped = outcome.rows.filter(({ verdict }) => verdict === "skip");
    expect(skipped.map(({ row }) => row)).toEqual([
      "manual: A Successful RecordProcessed Request",
      "records: RecordProcessed",
      "records: RecordReject",
      "records: RequestRecordCancel",
      "records: DoNotCall",
      "records: RecordReschedule",
    ]);
    expect(skipped[1]!.reason).toBe("handle 17 was used before; reset the sandbox (--sandbox URL)");
    expect(failures(outcome)).toEqual([]);
    expect(outcome.exit).toBe(0);
  });

  it.each(["unloaded", "loaded", "unloading"] as const)(
    "follows a group that is %s at first, and leaves it running",
    async (group) => {
      const world = { group: group as "unloaded" | "running", gone: new Set(["16"]) };
      const outcome = await examine((await serve(fakeOcs(world))).url);
      expect(failures(outcome)).toEqual([]);
      expect(world.group).toBe("running");
    },
  );

  it("fails a row that gets no answer, and goes on", async () => {
    const ocs = fakeOcs();
    const outcome = await examine(
      (await serve((request) => (request.target.includes("4155555555") ? undefined : ocs(request)))).url,
    );
    expect(failures(outcome).map((each) => each.replace(/: the connection was reset$/, ""))).toEqual([
      "manual: A Successful DoNotCall Request for a Specific Phone Number",
      "one persistent connection: the server closed a connection that it should keep open",
    ]);
    expect(outcome.of("manual: A Successful DoNotCall Request for a Specific Phone Number").got).toBe("no answer");
    expect(outcome.exit).toBe(9);
  });

  it("opens another handle where one is gone and there is a sandbox to ask", async () => {
    let handle = 1000;
    const asked: string[] = [];
    const control = await serve(({ method, target, body }) => {
      asked.push(`${method} ${target} ${body}`);
      return { status: 200, headers: {}, body: target.endsWith("/open") ? JSON.stringify([{ handle: ++handle }]) : "" };
    });
    const outcome = await examine((await serve(fakeOcs({ group: "running", gone: new Set(["15", "16", "18"]) }))).url, {
      sandbox: `${control.url}/sandbox/`,
    });
    expect(outcome).toMatchObject({ exit: 0 });
    expect(outcome.rows.every(({ verdict }) => verdict === "ok")).toBe(true);
    expect(asked).toEqual([
      "POST /sandbox/reset {}",
      ...(Array(2).fill('POST /sandbox/records/open {"list":"Alpha List","count":1}') as string[]),
    ]);
    expect(outcome.of("records: RecordReject")).toMatchObject({
      request: "POST /records/1002?req=RecordReject",
      got: "200",
    });
    expect(outcome.of("records: RecordReject again")).toMatchObject({
      request: "POST /records/1002?req=RecordReject",
      got: "410/112",
    });
  });

  it("fails the row when the sandbox opens no record", async () => {
    const control = await serve(({ target }) => ({
      status: 200,
      headers: {},
      body: target.endsWith("/open") ? "[]" : "",
    }));
    const outcome = await examine((await serve(fakeOcs({ group: "running", gone: new Set(["16", "18"]) }))).url, {
      sandbox: `${control.url}/sandbox`,
    });
    expect(failures(outcome)).toEqual(["records: RecordReject: the sandbox opened no record of Alpha List"]);
  });

  it("prints an aligned table and a closing line", async () => {
    const printed: string[] = [];
    expect(await conformance((await serve(fakeOcs())).url, { print: (text) => printed.push(text) })).toBe(0);
    const lines = printed.join("\n").split("\n");
    expect(lines[0]).toMatch(/^row +request +expected +got$/);
    expect(new Set(lines.slice(1, -1).map((line) => line.search(/(?:POST|GET) \/|51 rows/)))).toEqual(
      new Set([lines[0]!.indexOf("request")]),
    );
    expect(lines.at(-1)).toBe(`${rows().length + 1} rows: ${rows().length + 1} ok, 0 FAIL, 0 skip: conformant`);
  });
});

describe("conformance, against a gateway", () => {
  const key = ["crm:k1", "ors:k2", "ops:k3"];
  const RESOURCES: Record<string, string> = { crm: "customer_ids", ors: "records phones lists", ops: "campaigngroups" };
  const byResource = ({ client, target }: FakeRequest): string | undefined =>
    /records\/\d+\?req=Load/.test(target) || RESOURCES[client!]?.split(" ").includes(target.split(/[/?]/)[1]!)
      ? undefined
      : "OCSGW-2101";

  it("sends each row by the first client that may", async () => {
    const outcome = await examine((await serve(fakeGateway(fakeOcs(), byResource))).url, { key });
    expect(failures(outcome)).toEqual([]);
    expect(outcome.exit).toBe(0);
    expect(outcome.of("customer_ids: DoNotCall").got).toBe("200 (crm)");
    expect(outcome.of("phones: DoNotCall").got).toBe("200 (ors)");
    expect(outcome.of("campaigngroups: Stage").got).toBe("200 (ops)");
  });

  it("counts as right what every given client is refused, and does nothing that it cannot undo", async () => {
    const gateway = fakeGateway(fakeOcs(), (request) =>
      request.target.includes("ForceUnload") || request.target.includes("2147483647")
        ? "OCSGW-2104"
        : byResource(request),
    );
    const fake = await serve(gateway);
    const outcome = await examine(fake.url, { key });
    expect(outcome.of("campaigngroups: ForceUnload")).toMatchObject({
      got: "403 OCSGW-2104 (ops)",
      verdict: "ok",
      reason: "refused (no given client is allowed)",
    });
    expect(outcome.of("campaigngroups: Load, unknown group")).toMatchObject({
      verdict: "ok",
      reason: "refused (no given client is allowed)",
    });
    expect(outcome.of("campaigngroups: Unload")).toMatchObject({
      verdict: "skip",
      reason: expect.stringContaining("ForceUnload"),
    });
    expect(fake.requests.map(({ target }) => target)).not.toContain("/campaigngroups/106?req=Unload");
    expect(outcome.exit).toBe(0);
  });

  it("takes the gateway's own 410 for a record that is finished, and tries others for a foreign one", async () => {
    const gone = new Set(["16"]);
    const ocs = fakeOcs({ group: "running", gone });
    const gateway = fakeGateway(ocs, (request) => {
      const handle = /^\/records\/(\d+)/.exec(request.target)?.[1];
      if (handle !== undefined && (gone.has(handle) || request.client === "beta") && !request.target.endsWith("=Load"))
        return "OCSGW-2106";
      return request.client === "beta" ? "OCSGW-2103" : undefined;
    });
    const outcome = await examine((await serve(gateway)).url, { key: ["beta:k0", "alpha:k1"] });
    expect(outcome.of("records: RecordReject")).toMatchObject({ got: "200 (alpha)", verdict: "ok" });
    expect(outcome.of("records: RecordReject again")).toMatchObject({ got: "410 OCSGW-2106 (beta)", verdict: "ok" });
    expect(outcome.exit).toBe(0);
  });

  it.each(["Ocsgw-Request-Id", "Ocsgw-Origin", "Ocsgw-Delivery", "Server-Timing"])(
    "fails a row whose answer lacks %s",
    async (name) => {
      const gateway = fakeGateway(fakeOcs(), () => undefined);
      const fake = await serve((request) => {
        const reply = gateway(request);
        return request.target.includes("4155555555") ? without(name)(reply) : reply;
      });
      const outcome = await examine(fake.url, { key });
      expect(failures(outcome)).toHaveLength(1);
      expect(failures(outcome)[0]).toMatch(new RegExp(`^manual: A Successful DoNotCall.*${name} is missing`));
      expect(outcome.exit).toBe(9);
    },
  );

  it.each([
    ["Ocsgw-Origin", "gateway"],
    ["Ocsgw-Request-Id", "42"],
    ["Ocsgw-Delivery", "perhaps"],
  ])("fails a row whose %s is %s though OCS answered", async (name, value) => {
    const gateway = fakeGateway(fakeOcs(), () => undefined);
    const fake = await serve((request) => {
      const reply = gateway(request);
      return request.target.includes("4155555555") ? { ...reply, headers: { ...reply.headers, [name]: value } } : reply;
    });
    expect(failures(await examine(fake.url, { key }))).toHaveLength(1);
  });

  it.each<[string, FakeReply["headers"], number, string | undefined]>([
    [
      "503 without Ocsgw-Repeat",
      { "Ocsgw-Code": "OCSGW-3002", "Ocsgw-Origin": "gateway" },
      503,
      "Ocsgw-Repeat is missing",
    ],
    [
      "429 with another word",
      { "Ocsgw-Code": "OCSGW-3001", "Ocsgw-Origin": "gateway", "Ocsgw-Repeat": "perhaps" },
      429,
      "Ocsgw-Repeat is missing or has an unknown value",
    ],
    ["5102 without Ocsgw-Repeat", { "Ocsgw-Code": "OCSGW-5102" }, 200, "Ocsgw-Repeat is missing"],
    [
      "5102 that claims to be the gateway's answer",
      { "Ocsgw-Code": "OCSGW-5102", "Ocsgw-Repeat": "no", "Ocsgw-Origin": "gateway" },
      200,
      "Ocsgw-Origin is missing or not ocs",
    ],
    ["an answer of OCS's with Ocsgw-Repeat", { "Ocsgw-Repeat": "no" }, 200, "unexpected Ocsgw-Repeat"],
    ["5102 as it is to be", { "Ocsgw-Code": "OCSGW-5102", "Ocsgw-Repeat": "no" }, 200, undefined],
  ])("judges what a gateway says of repeating: %s", async (_what, headers, status, problem) => {
    const gateway = fakeGateway(fakeOcs(), () => undefined);
    const fake = await serve((request) => {
      const reply = gateway(request);
      return request.target.includes("4155555555")
        ? { ...reply, status, headers: { ...reply.headers, ...headers } }
        : reply;
    });
    const failed = failures(await examine(fake.url, { key }));
    expect(failed).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)]);
  });

  it("fails what looks like an OCS without a gateway's headers, row by row", async () => {
    const outcome = await examine((await serve(fakeOcs())).url, { key });
    expect(failures(outcome).length).toBeGreaterThan(40);
    expect(outcome.exit).toBe(9);
  });

  it("fails any other refusal", async () => {
    const gateway = fakeGateway(fakeOcs(), ({ target }) =>
      target.startsWith("/lists/Alpha") ? "OCSGW-2105" : undefined,
    );
    expect(failures(await examine((await serve(gateway)).url, { key })).map((each) => each.split(":")[0])).toEqual([
      "manual",
      "manual",
      "lists",
    ]);
  });
});

describe("conformance, called wrongly", () => {
  it.each<[string, string, ConformanceOptions, RegExp]>([
    ["no URL", "18080", {}, /expected a URL/],
    ["another scheme", "ftp://127.0.0.1", {}, /expected a URL/],
    ["a path", "http://127.0.0.1:1/records", {}, /paths are at the root/],
    ["another host without yes", "http://192.0.2.1:8080", {}, /--yes/],
    ["a name that only looks like loopback", "http://127.0.0.1.example:8080", {}, /--yes/],
    ["a key without a client", "http://127.0.0.1:1", { key: ["good:key", ":k"] }, /--key number 2/],
    ["a key without a key", "http://127.0.0.1:1", { key: ["client"] }, /--key number 1/],
    ["no CA", "https://127.0.0.1:1", { ca: "/nonexistent/ca.pem" }, /cannot read \/nonexistent\/ca.pem/],
    ["no control URL", "http://127.0.0.1:1", { sandbox: "18090" }, /--sandbox/],
  ])("says so with 2: %s", async (_, url, options, said) => {
    const outcome = await examine(url, options);
    expect(outcome.exit).toBe(2);
    expect(outcome.said).toMatch(said);
    expect(outcome.rows).toEqual([]);
  });

  it("never repeats a key", async () => {
    expect((await examine("http://127.0.0.1:1", { key: ["sk_secret"] })).said).not.toContain("sk_secret");
  });

  it.each([
    ["nobody listens", {}],
    ["the sandbox's control does not answer", { sandbox: "http://127.0.0.1:1/sandbox" }],
  ])("says with 5 that it cannot reach: %s", async (_, options) => {
    const fake = await listen(fakeOcs());
    await fake.close();
    const outcome = await examine(fake.url, options);
    expect(outcome.exit).toBe(5);
    expect(outcome.said).toMatch(/no answer from http:/);
  });

  it("goes to another host with --yes", async () => {
    const outcome = await examine("http://conformance.invalid:8080", { yes: true });
    expect(outcome.exit).toBe(5);
  });
});
