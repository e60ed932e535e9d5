import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { announce, betaRecord, post, record, type Posted } from "../kit/announcing.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient } from "../kit/raw-client.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Setting = {
  readonly callbacks?: Readonly<Record<string, unknown>>;
  readonly records?: readonly [alpha: string, beta: string];
  readonly clients?: readonly string[];
};
type Started = TestGateway & {
  readonly callbacks: string;
  readonly reject: (client: string, handle: number) => Promise<string>;
};

const start = async ({
  callbacks = {},
  records = ["pre-dial", "pre-dial"],
  clients = ["alpha", "beta"],
}: Setting = {}): Promise<Started> => {
  const ocs = await rawOcs();
  closing.push(() => ocs.close());
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams["ocs"] as object, {
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"], ...callbacks },
  });
  for (const [at, tenant] of (config.tenants as { records: string }[]).entries()) tenant.records = records[at]!;
  const gateway = await aGateway(config, clients);
  closing.push(() => gateway.stop());
  const reject = async (client: string, handle: number): Promise<string> => {
    const { status, headers } = await post(gateway.url, {
      path: `/records/${handle}?req=RecordReject`,
      body: "{}",
      headers: { Authorization: basic(client), "Content-Type": "application/json" },
    });
    return `${status} ${(headers["ocsgw-code"] as string | undefined) ?? (headers["ocsgw-origin"] as string)}`;
  };
  return { ...gateway, callbacks: gateway.gateway.callbacks["ocs"]!, reject };
};

const GONE = "410 OCSGW-2106";
const UNCLEAR = "503 OCSGW-5103";
const DONE = "200 ocs";

describe("the callbacks listener", () => {
  it("hears whom it is to hear, and closes on everybody else", async () => {
    const { callbacks } = await start({ callbacks: { allow_from: ["10.1.2.3"] } });
    await expect(announce(callbacks, record(1))).rejects.toThrow(/hang up|ECONNRESET/);
  });

  it("over TLS demands a certificate of its CA", async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-callbacks-"));
    closing.push(() => rm(dir, { recursive: true }));
    const authority = createAuthority("callbacks");
    const server = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
    const ocs = authority.issue({ names: ["ocs1.example"], usage: "clientAuth" });
    const stranger = createAuthority("stranger").issue({ names: ["ocs1.example"], usage: "clientAuth" });
    const [cert, key, ca] = [join(dir, "cert.pem"), join(dir, "key.pem"), join(dir, "ca.pem")];
    await Promise.all([
      writeFile(cert, server.certPem),
      writeFile(key, server.keyPem, { mode: 0o600 }),
      writeFile(ca, authority.certPem),
    ]);
    const { callbacks, reject } = await start({ callbacks: { tls: { cert, key, client_ca: ca } } });
    const as = (options: object): Promise<Posted> =>
      post(callbacks, { body: JSON.stringify(record(1)), options: { ca: authority.certPem, ...options } });
    await expect(as({})).rejects.toThrow();
    await expect(as({ cert: stranger.certPem, key: stranger.keyPem })).rejects.toThrow();
    expect(await reject("alpha", 1)).toBe(GONE);
    expect((await as({ cert: ocs.certPem, key: ocs.keyPem })).status).toBe(200);
    expect(await reject("alpha", 1)).toBe(DONE);
  });

  it("takes a stream of announcements on one connection, and a broken one between them stops none", async () => {
    const { callbacks, reject, journal } = await start();
    const client = await rawClient(Number(new URL(callbacks).port));
    const send = async (body: string): Promise<number> => {
      await client.send(
        `POST /validate HTTP/1.1\r\nHost: ocs-gw.example.internal\r\nContent-Type: text/json\r\nContent-Length: ` +
          `${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      return (await client.reply()).status;
    };
    expect([
      await send(JSON.stringify(record(1))),
      await send("{broken"),
      await send('{"GSW_CALLING_LIST":"Alpha List"}'),
      await send(JSON.stringify(record(2))),
    ]).toEqual([200, 400, 400, 200]);
    client.close();
    expect([await reject("alpha", 1), await reject("alpha", 2)]).toEqual([DONE, DONE]);
    const refusals = (await journal())
      .filter((entry) => entry.kind === "refusal")
      .map((entry) => [entry["listener" as never], entry["code" as never], entry["status" as never]]);
    expect(refusals).toEqual([
      ["callbacks:ocs", "OCSGW-1003", 400],
      ["callbacks:ocs", "OCSGW-1007", 400],
    ]);
  });

  it("answers 200 for a record without an owner, and says a final no only to those who cannot be meant", async () => {
    const { callbacks, reject } = await start();
    for (const [handle, over, answer = UNCLEAR] of [
      [
        1,
        {
          GSW_CAMPAIGN_NAME: "Gamma",
          GSW_CAMPAIGN_GROUP_NAME: "Gamma@G",
          GSW_CAMPAIGN_GROUP_DBID: 300,
          GSW_CALLING_LIST: "Gamma List",
        },
        GONE,
      ],
      // Both tenants could be meant.
      [2, { GSW_CALLING_LIST: "Beta List" }],
      [3, { GSW_CAMPAIGN_GROUP_DBID: 208 }],
      [4, { GSW_TENANT_NAME: "Beta Tenant" }],
      [5, { GSW_TENANT_DBID: "102" }],
      // A campaign of the same name in a group that is in nobody's register.
      [
        6,
        {
          GSW_CAMPAIGN_GROUP_NAME: "Alpha Campaign@Gamma Agents",
          GSW_CAMPAIGN_GROUP_DBID: 300,
          GSW_CALLING_LIST: "Gamma List",
        },
        GONE,
      ],
    ] as const) {
      expect((await announce(callbacks, record(handle, over))).status).toBe(200);
      expect([await reject("alpha", handle), await reject("beta", handle)]).toEqual([answer, answer]);
    }
  });

  it("takes a handle from its tenant when OCS announces it for nobody here", async () => {
    const { callbacks, reject, journal } = await start();
    await announce(callbacks, record(1));
    const gammas = {
      GSW_CAMPAIGN_NAME: "Gamma",
      GSW_CAMPAIGN_GROUP_NAME: "Gamma@G",
      GSW_CAMPAIGN_GROUP_DBID: 300,
      GSW_CALLING_LIST: "Gamma List",
    };
    expect((await announce(callbacks, record(1, gammas))).status).toBe(200);
    expect([await reject("alpha", 1), await reject("beta", 1)]).toEqual([GONE, GONE]);
    expect((await journal()).filter(({ kind }) => kind === "alarm")).toMatchObject([
      { reason: "a record handle in use was announced for another tenant; it has no owner now", identifier: "1" },
    ]);
  });

  it("tells of each record that contradicts itself by an alarm that names no tenant", async () => {
    const { callbacks, journal } = await start();
    for (const handle of [1, 2, 3]) await announce(callbacks, record(handle, { GSW_CALLING_LIST: "Beta List" }));
    const alarms = (await journal()).filter(({ kind }) => kind === "alarm");
    const reason =
      "OCS announced a record whose tenant, group, campaign and list contradict each other; it has no owner";
    expect(alarms).toMatchObject(["1", "2", "3"].map((identifier) => ({ reason, upstream: "ocs", identifier })));
    expect(alarms[0]).not.toHaveProperty("tenant");
  });

  it("tells of each record whose tenant or group is malformed, says what is, and gives it to nobody", async () => {
    const { callbacks, journal, reject } = await start();
    for (let times = 0; times < 3; times++)
      expect((await announce(callbacks, record(1, { GSW_TENANT_DBID: 0 }))).status).toBe(200);
    expect(
      (await announce(callbacks, record(2, { GSW_CAMPAIGN_GROUP_DBID: [106], GSW_CALLING_LIST: "" }))).status,
    ).toBe(200);
    expect((await journal()).filter(({ kind }) => kind === "alarm")).toMatchObject([
      { identifier: "1", detail: "malformed: GSW_TENANT_DBID" },
      { identifier: "2", detail: "malformed: GSW_CAMPAIGN_GROUP_DBID, GSW_CALLING_LIST" },
    ]);
    // Those whom it could mean are not told a final no; a stranger does not learn that the handle is there.
    for (const handle of [1, 2])
      expect([await reject("alpha", handle), await reject("beta", handle)]).toEqual([UNCLEAR, GONE]);
  });

  it("keeps no phone number in clear", async () => {
    const { callbacks, dir } = await start();
    await announce(callbacks, record(1, { GSW_PHONE: "4155550123" }));
    const files = await Promise.all(
      ["ownership.sqlite", "ownership.sqlite-wal"].map((name) => readFile(join(dir, "audit", name))),
    );
    const bytes = Buffer.concat(files).toString("latin1");
    expect(bytes).toMatch(/t1:[0-9a-f]{64}/);
    expect(bytes).not.toMatch(/4155550123/);
  });
});

describe("a call report", () => {
  it.each([
    ["by its record's handle", { GSW_RECORD_HANDLE: "1" }],
    ["by its attempt", { GSW_CALL_ATTEMPT_GUID: "attempt-1" }],
  ] as const)("ends ownership at the end of the call, %s", async (_how, named) => {
    const { callbacks, reject } = await start();
    await announce(callbacks, record(1));
    await announce(callbacks, record(2));
    expect((await announce(callbacks, { GSW_HIST_SEQUENCE_NUM: 1, GSW_CALL_RESULT: 33, ...named })).status).toBe(200);
    expect([await reject("alpha", 1), await reject("alpha", 2)]).toEqual([GONE, DONE]);
  });
});

describe("the operator's own validator", () => {
  const validating = async (
    answer: (response: ServerResponse) => void,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Started & { readonly bodies: string[] }> => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on("data", (chunk: Buffer) => chunks.push(chunk))
        .once("end", () => {
          bodies.push(Buffer.concat(chunks).toString("utf8"));
          answer(response);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
    const validator = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v`;
    return { ...(await start({ callbacks: { validator, ...more } })), bodies };
  };

  it("answers OCS in its own words, and the record is kept first", async () => {
    const { callbacks, reject, bodies } = await validating((response) =>
      response.writeHead(200, { "Content-Type": "application/json", ETag: "theirs" }).end('{"GSW_PHONE":"4155550199"}'),
    );
    const answer = await announce(callbacks, record(1));
    expect([answer.status, answer.headers["etag"], answer.headers["content-type"], answer.body]).toEqual([
      200,
      "theirs",
      "application/json",
      '{"GSW_PHONE":"4155550199"}',
    ]);
    expect(JSON.parse(bodies[0]!)).toEqual(record(1));
    expect(await reject("alpha", 1)).toBe(DONE);
  });

  it("keeps a record from being dialed with 409, and then the handle is nobody's", async () => {
    const { callbacks, reject } = await validating((response) =>
      response.writeHead(409, { "Content-Type": "application/json" }).end('{"GSW_CALL_RESULT":53}'),
    );
    const answer = await announce(callbacks, record(1));
    expect([answer.status, answer.body]).toEqual([409, '{"GSW_CALL_RESULT":53}']);
    expect(await reject("alpha", 1)).toBe(GONE);
  });

  it("that says 409 to a copy of what it let dial leaves the record to its tenant: OCS may be calling", async () => {
    const statuses = [200, 409];
    const { callbacks, reject } = await validating((response) => response.writeHead(statuses.shift()!).end());
    expect([(await announce(callbacks, record(1))).status, (await announce(callbacks, record(1))).status]).toEqual([
      200, 409,
    ]);
    expect(await reject("alpha", 1)).toBe(DONE);
  });

  it("that says 409 to an attempt when a newer one was announced does nothing to that one", async () => {
    const waiting: ServerResponse[] = [];
    const { callbacks, reject } = await validating((response) => waiting.push(response));
    const asked = async (count: number): Promise<void> => {
      while (waiting.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const first = announce(callbacks, record(1, { GSW_CALL_ATTEMPT_GUID: "first" }));
    await asked(1);
    const second = announce(callbacks, record(1, { GSW_CALL_ATTEMPT_GUID: "second" }));
    await asked(2);
    waiting[1]!.writeHead(200).end();
    expect((await second).status).toBe(200);
    waiting[0]!.writeHead(409).end();
    expect((await first).status).toBe(409);
    expect(await reject("alpha", 1)).toBe(DONE);
  });

  it.each([
    ["block", 504],
    ["allow", 200],
  ] as const)("that hangs: %s means %i, and the record stays its tenant's", async (onTimeout, status) => {
    const { callbacks, reject, journal } = await validating(() => undefined, {
      validator_timeout: "150ms",
      on_timeout: onTimeout,
    });
    const answers = await Promise.all([1, 2, 3].map((handle) => announce(callbacks, record(handle))));
    expect(answers.map((answer) => answer.status)).toEqual([status, status, status]);
    expect(answers[0]!.headers["etag"]).toBe(status === 200 ? "1" : undefined);
    expect(await reject("alpha", 2)).toBe(DONE);
    expect((await journal()).filter(({ kind }) => kind === "alarm")).toHaveLength(1);
  });
});

describe("a registrar", () => {
  const registering = (): Promise<Started> =>
    start({
      records: ["registered", "pre-dial"],
      clients: ["alpha", "beta", "minter"],
      callbacks: { registrars: [{ client: "minter", tenants: ["Alpha Tenant"] }] },
    });
  const say = async (
    { callbacks }: Started,
    handle: number | string,
    { method = "PUT", body = '{"tenant":"Alpha Tenant"}', as = "minter", upstream = "ocs" } = {},
  ): Promise<string> => {
    const answer = await post(callbacks, {
      method,
      path: `/ownership/${upstream}/${handle}`,
      body: method === "PUT" ? body : "",
      headers: { ...(as !== "" && { Authorization: basic(as) }), Accept: "application/json" },
    });
    const code = answer.headers["ocsgw-code"] as string | undefined;
    return `${answer.status}${code === undefined ? "" : ` ${code}`}`;
  };

  it("gives a handle its tenant before the client learns it, by name or DBID, as often as it likes", async () => {
    const gateway = await registering();
    expect(await gateway.reject("alpha", 1)).toBe(GONE);
    expect([await say(gateway, 1), await say(gateway, 1), await say(gateway, 1, { body: '{"tenant":101}' })]).toEqual([
      "201",
      "200",
      "200",
    ]);
    expect(await say(gateway, 1, { method: "GET" })).toBe("200");
    expect(await gateway.reject("beta", 1)).toBe(GONE);
    expect(await gateway.reject("alpha", 1)).toBe(DONE);
    expect(await gateway.reject("alpha", 1)).toBe(GONE);
  });

  it("takes no handle from another tenant, and does not learn which tenant owns it", async () => {
    const gateway = await registering();
    await announce(gateway.callbacks, betaRecord(1));
    const answer = await post(gateway.callbacks, {
      method: "PUT",
      path: "/ownership/ocs/1",
      body: '{"tenant":101}',
      headers: { Authorization: basic("minter") },
    });
    expect([answer.status, answer.headers["ocsgw-code"]]).toEqual([409, "OCSGW-2107"]);
    expect(answer.body).not.toMatch(/Beta|102/);
    expect([await say(gateway, 1, { method: "GET" }), await say(gateway, 2, { method: "GET" })]).toEqual([
      "404 OCSGW-1001",
      "404 OCSGW-1001",
    ]);
    expect(await say(gateway, 1, { method: "DELETE" })).toBe("204");
    expect(await gateway.reject("beta", 1)).toBe(DONE);
  });

  it("takes back what it gave", async () => {
    const gateway = await registering();
    await say(gateway, 1);
    expect([await say(gateway, 1, { method: "DELETE" }), await say(gateway, 1, { method: "DELETE" })]).toEqual([
      "204",
      "204",
    ]);
    expect(await gateway.reject("alpha", 1)).toBe(GONE);
  });

  it.each<[string, string, Parameters<typeof say>[2], string]>([
    ["without a credential", "1", { as: "" }, "401 OCSGW-2001"],
    ["as a tenant's client", "1", { as: "alpha" }, "401 OCSGW-2001"],
    ["for a tenant that is not on its list", "1", { body: '{"tenant":"Beta Tenant"}' }, "403 OCSGW-2103"],
    ["for a tenant that is not there", "1", { body: '{"tenant":"Gamma"}' }, "403 OCSGW-2103"],
    [
      "for a tenant whose name would be the DBID of one on its list",
      "1",
      { body: '{"tenant":"101"}' },
      "403 OCSGW-2103",
    ],
    ["on another upstream", "1", { upstream: "other" }, "404 OCSGW-1001"],
    ["with a handle that is none", "01", {}, "404 OCSGW-1001"],
    ["with no JSON", "1", { body: "Alpha Tenant" }, "400 OCSGW-1003"],
    ["with more than a tenant", "1", { body: '{"tenant":101,"handle":2}' }, "400 OCSGW-1007"],
    ["with a tenant twice", "1", { body: '{"tenant":101,"tenant":102}' }, "400 OCSGW-1007"],
    ["by another method", "1", { method: "PATCH" }, "405 OCSGW-1008"],
  ])("is refused %s", async (_how, handle, how, answer) => {
    const gateway = await registering();
    expect(await say(gateway, handle, how)).toBe(answer);
    expect(await gateway.reject("alpha", 1)).toBe(GONE);
  });

  it("is no client of the gateway's, and leaves a trace in the journal", async () => {
    const gateway = await registering();
    expect(await gateway.reject("minter", 1)).toBe("401 OCSGW-2001");
    await say(gateway, 1);
    expect((await gateway.journal()).filter(({ kind }) => kind === "access")).toMatchObject([
      { user: "minter", role: "registrar", operation: "PUT /ownership/ocs/1", purpose: "Alpha Tenant" },
    ]);
  });

  it("from a host of its own may not announce as OCS does", async () => {
    const gateway = await start({
      records: ["registered", "pre-dial"],
      clients: ["alpha", "beta", "minter"],
      callbacks: {
        allow_from: ["10.1.2.3"],
        registrars: [{ client: "minter", tenants: ["Alpha Tenant"], allow_from: ["127.0.0.1"] }],
      },
    });
    expect((await announce(gateway.callbacks, betaRecord(1))).status).toBe(403);
    expect(await gateway.reject("beta", 1)).toBe(GONE);
    expect(await say(gateway, 1)).toBe("201");
  });
});
