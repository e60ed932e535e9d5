import { afterEach, describe, expect, it } from "vitest";
import { UpstreamError, type Request } from "../../src/upstream/types.ts";
import { Switchboard, type UpstreamEvent } from "../../src/upstream/switchboard.ts";
import { OK, rawOcs, type RawOcs, type Script } from "../kit/raw-ocs.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Setting = {
  script?: Script;
  connections?: number;
  max?: number;
  maxWait?: number;
  answerTimeout?: number;
  onePerTenant?: boolean;
  origin?: string;
  shareOf?: (tenant: string) => number;
  tell?: (news: UpstreamEvent) => void;
};

const switchboard = async (setting: Setting = {}): Promise<{ ocs: RawOcs; switchboard: Switchboard }> => {
  const ocs = await rawOcs(setting.script);
  const it = new Switchboard({
    name: "ocs",
    primary: { origin: setting.origin ?? ocs.url, tls: {}, connectTimeout: 500 },
    connections: setting.connections ?? 1,
    onePerTenant: setting.onePerTenant ?? true,
    answerTimeout: setting.answerTimeout ?? 2000,
    queue: { max: setting.max ?? 200, maxBytes: 1e6, maxWait: setting.maxWait ?? 2000 },
    userAgent: "ocs-gateway/test",
    ...(setting.shareOf && { shareOf: setting.shareOf }),
    ...(setting.tell && { onEvent: setting.tell }),
  });
  stops.push(
    () => ocs.close(),
    () => it.close(),
  );
  return { ocs, switchboard: it };
};

const request = (
  tenant = "Alpha",
  path = "/phones/4155550100?req=DoNotCall",
  body = '{"GSW_TENANT_DBID":101}',
): Request => ({ tenant, method: "POST", path, body, urgent: false });

const failure = async (sending: Promise<unknown>): Promise<UpstreamError> => {
  const reason: unknown = await sending.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(reason).toBeInstanceOf(UpstreamError);
  return reason as UpstreamError;
};

const html410 = "<HTML><body>410 Gone : 0 No call found for the record handle</body></HTML>";

describe("an internal error", () => {
  it("is rejected as it is, not as an answer of OCS, and the next request is served", async () => {
    const { switchboard: it } = await switchboard({ script: ({ connection }) => void connection.socket.write(OK) });
    const broken: Request = {
      ...request(),
      get path(): string {
        throw new TypeError("a defect");
      },
    };
    for (let times = 0; times < 2; times++) {
      await expect(it.send(broken)).rejects.toThrow(TypeError);
      expect(await it.send(request())).toMatchObject({ status: 200 });
    }
  });
});

describe("an exchange", () => {
  it("sends exactly the headers that OCS reads, and the body with its length in bytes", async () => {
    const { ocs, switchboard: it } = await switchboard();
    const body = '{"GSW_TENANT_DBID":101,"REMARK":"Grüße"}';
    await it.send(request("Alpha", "/phones/4155550100?req=DoNotCall", body));
    const [line, ...headers] = ocs.bytes().split("\r\n\r\n")[0]!.split("\r\n");
    expect(line).toBe("POST /phones/4155550100?req=DoNotCall HTTP/1.1");
    expect(headers.map((header) => header.toLowerCase()).sort()).toEqual([
      `content-length: ${Buffer.byteLength(body)}`,
      "content-type: application/json",
      `host: 127.0.0.1:${ocs.port}`,
      "user-agent: ocs-gateway/test",
    ]);
  });

  it("sends no content type without a body", async () => {
    const { ocs, switchboard: it } = await switchboard();
    await it.send(request("Alpha", "/campaigngroups/106?req=Load", ""));
    expect(ocs.bytes()).toMatch(/\r\ncontent-length: 0\r\n\r\n$/i);
    expect(ocs.bytes()).not.toMatch(/content-type/i);
  });

  it("keeps the connection for the next exchange, also after an idle time beyond Node's default", async () => {
    const { ocs, switchboard: it } = await switchboard();
    for (let round = 0; round < 3; round++) await it.send(request());
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await it.send(request());
    expect(ocs.connections).toHaveLength(1);
    expect(ocs.requests()).toBe(4);
  });

  it("delivers a negative answer with its Warning and body", async () => {
    const { switchboard: it } = await switchboard({
      script: () =>
        `HTTP/1.1 410 Gone\r\nServer: OCS\r\nWarning: 112\r\nContent-type: text/html\r\nContent-length: ` +
        `${html410.length}\r\n\r\n${html410}`,
    });
    const answer = await it.send(request());
    expect(answer.status).toBe(410);
    expect(answer.headers).toContainEqual(["warning", "112"]);
    expect(Buffer.from(answer.body).toString()).toBe(html410);
  });

  it("delivers the status of the manual's mis-framed 410 and does not use its connection again", async () => {
    const { ocs, switchboard: it } = await switchboard({
      script: ({ count }) =>
        count === 1
          ? `HTTP/1.1 410 Gone\r\nWarning: 112\r\nContent-type: text/html\r\nContent-length: 35\r\n\r\n${html410}`
          : OK,
    });
    expect((await it.send(request())).status).toBe(410);
    expect((await it.send(request())).status).toBe(200);
    expect(ocs.connections).toHaveLength(2);
  });
});

describe("a positive answer to a POST with a body", () => {
  it("is delivered, and its connection is not used again", async () => {
    const { ocs, switchboard: it } = await switchboard({
      script: ({ count }) => (count === 1 ? "HTTP/1.1 200 OK\r\nContent-length: 2\r\n\r\n{}" : OK),
    });
    expect((await it.send(request())).status).toBe(200);
    expect((await it.send(request())).status).toBe(200);
    expect(ocs.connections).toHaveLength(2);
  });
});

describe("an answer that may belong to another request", () => {
  const heard = async (script: Script, ask: Request = request()): Promise<UpstreamEvent[]> => {
    const news: UpstreamEvent[] = [];
    const { switchboard: it } = await switchboard({ script, tell: (each) => void news.push(each) });
    await it.send(ask).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 120));
    return news;
  };
  const late =
    (first: string, then: string): Script =>
    ({ connection }) => {
      setTimeout(() => connection.socket.write(then, "latin1"), 20);
      return first;
    };
  const gone = `HTTP/1.1 410 Gone\r\nWarning: 112\r\nContent-type: text/html\r\nContent-length: 35\r\n\r\n${html410}`;
  const alarming: readonly [string, Script, Request, string][] = [
    [
      "a second answer after a positive one",
      late(OK, OK),
      request(),
      "OCS sent an answer while no request was in flight; the connection was closed",
    ],
    [
      "bytes after a positive answer",
      late(OK, "x"),
      request(),
      "OCS sent data while no request was in flight; the connection was closed",
    ],
    [
      "a second answer after a negative one",
      late(gone.slice(0, -39), OK),
      request(),
      "OCS sent an answer while no request was in flight; the connection was closed",
    ],
    [
      "a positive answer to a POST with a body",
      () => "HTTP/1.1 200 OK\r\nContent-length: 2\r\n\r\n{}",
      request(),
      "OCS's answer does not fit its request and may belong to another one; the connection was closed",
    ],
    [
      "an interim answer",
      () => `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`,
      request(),
      "OCS sent an interim answer (1xx) that was not requested",
    ],
    [
      "another answer than the one that was asked for",
      () => "HTTP/1.1 200 OK\r\nContent-length: 2\r\n\r\n{}",
      { ...request(), method: "GET", body: "", fits: () => false },
      "OCS's answer is not an answer to this request",
    ],
    [
      "bytes that are not an answer",
      () => "SSH-2.0-OpenSSH\r\n\r\n",
      request(),
      "OCS's answer does not begin with a status line",
    ],
  ];
  it.each(alarming)("is reported once, with lane and tenant: %s", async (_name, script, ask, what) => {
    expect(await heard(script, ask)).toEqual([
      { kind: "suspicion", upstream: "ocs", lane: "ocs/1", tenant: "Alpha", what },
    ]);
  });

  const usual: readonly [string, Script][] = [
    ["the manual's mis-framed 410", () => gone],
    ["the manual's mis-framed 410 with its rest a moment later", late(gone.slice(0, -39), gone.slice(-39))],
    ["silence until the time is up", () => undefined],
    ["a connection that ends after the request", ({ connection }) => void connection.socket.end()],
    ["a positive answer", () => OK],
  ];
  it.each(usual)("is not %s", async (_name, script) => {
    expect((await heard(script)).filter(({ kind }) => kind === "suspicion")).toEqual([]);
  });
});

describe("an exchange that fails", () => {
  it("is reported as not sent when no connection can be made", async () => {
    const { switchboard: it } = await switchboard({ origin: "http://127.0.0.1:1" });
    expect(await failure(it.send(request()))).toMatchObject({ reason: "unreachable", sent: false });
  });

  it("is reported as not sent when OCS's port does not speak TLS", async () => {
    const { ocs, switchboard: it } = await switchboard();
    const overTls = new Switchboard({
      name: "tls",
      primary: { origin: `https://127.0.0.1:${ocs.port}`, tls: {}, connectTimeout: 300 },
      connections: 1,
      onePerTenant: true,
      answerTimeout: 500,
      queue: { max: 5, maxBytes: 1e6, maxWait: 2000 },
      userAgent: "t",
    });
    stops.push(() => overTls.close());
    expect(await failure(overTls.send(request()))).toMatchObject({ reason: "unreachable", sent: false });
    expect(ocs.bytes()).not.toContain("POST");
    expect((await it.send(request())).status).toBe(200);
  });

  const cases: readonly [string, Script, { reason: string; sent: boolean }][] = [
    [
      "a reset after the request was read",
      ({ connection }) => void connection.socket.resetAndDestroy(),
      { reason: "connection-lost", sent: true },
    ],
    [
      "an orderly close after the request was read",
      ({ connection }) => void connection.socket.end(),
      { reason: "connection-lost", sent: true },
    ],
    ["silence", () => undefined, { reason: "no-answer", sent: true }],
    ["garbage", () => "SSH-2.0-OpenSSH\r\n\r\n", { reason: "malformed-response", sent: true }],
    [
      "an unrequested interim answer",
      () => `HTTP/1.1 100 Continue\r\n\r\n${OK}`,
      { reason: "malformed-response", sent: true },
    ],
    ["an early hint", () => `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`, { reason: "malformed-response", sent: true }],
    [
      "two content lengths",
      () => "HTTP/1.1 200 OK\r\nContent-length: 0\r\nContent-length: 5\r\n\r\n",
      { reason: "malformed-response", sent: true },
    ],
  ];
  it.each(cases)(
    "by %s is reported and not repeated, and the next request has a new connection",
    async (_name, script, expected) => {
      const { ocs, switchboard: it } = await switchboard({
        answerTimeout: 300,
        script: (request) => (request.count === 1 ? script(request) : OK),
      });
      expect(await failure(it.send(request("Alpha", "/lists/A?req=AddRecord")))).toMatchObject(expected);
      expect(ocs.requests()).toBe(1);
      expect((await it.send(request())).status).toBe(200);
      expect(ocs.connections.filter(({ requests }) => requests > 0)).toHaveLength(2);
    },
  );

  it("never gives its late answer to the next request", async () => {
    const { ocs, switchboard: it } = await switchboard({
      answerTimeout: 200,
      script: ({ count, connection }) => {
        if (count > 1) return OK;
        setTimeout(() => connection.socket.write("HTTP/1.1 410 Gone\r\nContent-length: 0\r\n\r\n"), 400);
        return undefined;
      },
    });
    expect(await failure(it.send(request()))).toMatchObject({ reason: "no-answer" });
    const answers = await Promise.all(Array.from({ length: 5 }, () => it.send(request())));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(ocs.connections).toHaveLength(2);
  });

  it("is avoided by closing an idle connection on which bytes arrive", async () => {
    const { ocs, switchboard: it } = await switchboard();
    await it.send(request());
    ocs.connections[0]!.socket.write("HTTP/1.1 500 Internal server error\r\nContent-length: 0\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await it.send(request())).status).toBe(200);
    expect(ocs.connections).toHaveLength(2);
  });
});

describe("the turns of an upstream", () => {
  it("run one exchange per lane, on no more connections than lanes", async () => {
    const open = new Map<number, number>();
    let most = 0;
    const { ocs, switchboard: it } = await switchboard({
      connections: 4,
      script: ({ connection }) => {
        open.set(connection.number, (open.get(connection.number) ?? 0) + 1);
        most = Math.max(most, ...open.values());
        setTimeout(() => {
          open.set(connection.number, open.get(connection.number)! - 1);
          connection.socket.write(OK);
        }, 2);
      },
    });
    const answers = await Promise.all(Array.from({ length: 64 }, () => it.send(request())));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(most).toBe(1);
    expect(ocs.connections).toHaveLength(4);
  });

  it("never let two tenants share a connection", async () => {
    const tenants = new Map<number, Set<string>>();
    const { switchboard: it } = await switchboard({
      connections: 2,
      script: ({ connection, body }) => {
        const seen = tenants.get(connection.number) ?? new Set<string>();
        tenants.set(connection.number, seen.add(body));
        return OK;
      },
    });
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => it.send(request(`T${index % 3}`, "/x", `{"T":${index % 3}}`))),
    );
    expect([...tenants.values()].every((seen) => seen.size === 1)).toBe(true);
  });

  it("serve another tenant before a flood has drained", async () => {
    const order: string[] = [];
    const { switchboard: it } = await switchboard({ script: ({ body }) => (order.push(body), OK) });
    const flood = Array.from({ length: 50 }, () => it.send(request("Flood", "/x", '{"F":1}')));
    const other = it.send(request("Other", "/x", '{"O":1}'));
    await Promise.all([...flood, other]);
    expect(order.indexOf('{"O":1}')).toBeGreaterThanOrEqual(0);
    expect(order.indexOf('{"O":1}')).toBeLessThan(20);
  });

  it("leave each tenant its own queue limit", async () => {
    const { switchboard: it } = await switchboard({
      max: 2,
      maxWait: 300,
      answerTimeout: 600,
      script: () => undefined,
    });
    const flood = Array.from({ length: 5 }, () => failure(it.send(request("Flood"))));
    const other = failure(it.send(request("Other")));
    const reasons = (await Promise.all(flood)).map(({ reason, sent }) => `${reason} ${sent}`);
    expect(reasons.filter((reason) => reason === "queue-full false")).toHaveLength(2);
    expect(reasons.filter((reason) => reason === "queue-timeout false")).toHaveLength(2);
    expect(reasons.filter((reason) => reason === "no-answer true")).toHaveLength(1);
    expect((await other).reason).toBe("queue-timeout");
  });

  it("abandon a queued request whose client hangs up, and let a sent one run to its end", async () => {
    const { ocs, switchboard: it } = await switchboard({
      script: ({ connection }) => void setTimeout(() => connection.socket.write(OK), 100),
    });
    const [first, second] = [new AbortController(), new AbortController()];
    const sent = it.send(request(), () => first.signal);
    const waiting = failure(it.send(request(), () => second.signal));
    await new Promise((resolve) => setTimeout(resolve, 30));
    first.abort();
    second.abort();
    expect(await waiting).toMatchObject({ reason: "abandoned", sent: false });
    expect((await sent).status).toBe(200);
    expect(ocs.requests()).toBe(1);
  });

  /** An OCS that takes so many milliseconds for each request. */
  const taking =
    (ms: number, order: string[] = []): Script =>
    ({ body, connection }) =>
      void (order.push(body), setTimeout(() => connection.socket.write(OK), ms));

  it("give tenants under saturation their shares", async () => {
    const order: string[] = [];
    const { switchboard: it } = await switchboard({
      connections: 2,
      max: 1000,
      script: taking(1, order),
      shareOf: (tenant) => (tenant === "A" ? 2 : 1),
      maxWait: 20_000,
    });
    const all = Promise.all(
      ["A", "B"].flatMap((tenant) => Array.from({ length: 900 }, () => it.send(request(tenant, "/x", `"${tenant}"`)))),
    );
    await all;
    const half = order.slice(0, 1200);
    const [a, b] = ["A", "B"].map((tenant) => half.filter((body) => body === `"${tenant}"`).length) as [number, number];
    expect(Math.abs(a / b / 2 - 1)).toBeLessThan(0.1);
  });

  it("do not delay a tenant that rarely sends behind a flood", async () => {
    const order: string[] = [];
    const { switchboard: it } = await switchboard({ max: 400, script: taking(2, order), maxWait: 20_000 });
    const flood = Promise.all(Array.from({ length: 200 }, () => it.send(request("Flood", "/x", '"F"'))));
    // Should the test end before it, the switchboard refuses what waits.
    flood.catch(() => undefined);
    const passed: number[] = [];
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      const before = order.length;
      await it.send(request("Seldom", "/x", '"S"'));
      passed.push(order.slice(before).indexOf('"S"'));
    }
    // As many as the flood's connection costs go before, and on a slow machine that is more.
    expect(passed.filter((count) => count < 15)).toHaveLength(5);
    expect(passed.toSorted((one, other) => one - other)[2]).toBeLessThan(8);
    await flood;
  });

  it("send urgent requests before new records and polls of the same tenant", async () => {
    const order: string[] = [];
    const { switchboard: it } = await switchboard({ script: taking(5, order) });
    const bulk = Array.from({ length: 5 }, (_, index) =>
      it.send(request("A", "/lists/L?req=AddRecord", `"add ${index}"`)),
    );
    const urgent = it.send({ ...request("A", "/phones/415?req=DoNotCall", '"dnc"'), urgent: true });
    await Promise.all([...bulk, urgent]);
    expect(order).toEqual(['"add 0"', '"dnc"', '"add 1"', '"add 2"', '"add 3"', '"add 4"']);
  });

  it("refuse a request at once whose estimated wait is too long, with Retry-After", async () => {
    const { switchboard: it } = await switchboard({ max: 400, maxWait: 500, script: taking(10) });
    for (let round = 0; round < 20; round++) await it.send(request());
    const results = await Promise.all(
      Array.from({ length: 200 }, () =>
        it.send(request()).then(
          () => "served",
          (reason: unknown) => reason as UpstreamError,
        ),
      ),
    );
    const refused = results.filter((each) => each instanceof UpstreamError);
    expect(refused.length).toBeGreaterThan(100);
    expect(refused.filter(({ reason }) => reason === "queue-full").length / refused.length).toBeGreaterThan(0.9);
    expect(refused.every(({ sent, retryAfter }) => !sent && (retryAfter ?? 0) >= 1)).toBe(true);
    expect(results.filter((each) => each === "served").length).toBeGreaterThan(20);
  });
});
