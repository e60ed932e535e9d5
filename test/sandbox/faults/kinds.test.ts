import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KIND_NAMES, KINDS } from "../../../src/sandbox/faults/kinds.ts";
import { aBench, POLL, type FaultBench } from "./kit.ts";
import { open, request, type RawClient } from "../server/raw-client.ts";
import { lastRecord, recordOfHandle, stateOfHandle } from "../support.ts";

let bench: FaultBench;
beforeEach(async () => {
  bench = await aBench();
});
afterEach(async () => {
  await bench.close();
});

const PROCESSED = request("/records/15?req=RecordProcessed");
const LOAD = request("/campaigngroups/106?req=Load");
const ADD = request("/lists/Alpha%20List?req=AddRecord", {
  body: '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550177","GSW_TZ_NAME":"PST"}',
});
const OK = "HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nContent-length: 0\r\n\r\n";

const sending = async (bytes: string): Promise<RawClient> => {
  const client = await bench.connect();
  client.send(bytes);
  return client;
};
const handle15 = (): string | undefined => stateOfHandle(bench.ocs.world, 15);

describe("the table of fault kinds", () => {
  it("has the documented names, two for the standby, and says what a client sees", () => {
    expect([...KIND_NAMES].sort()).toEqual([
      "bad-cert",
      "both-down",
      "close-idle",
      "db-down",
      "garbage",
      "half-close",
      "lost-reply",
      "reject-second",
      "reset-before",
      "slow",
      "stale",
      "stall",
      "standby-accepts",
      "standby-refuses",
      "status",
      "surplus-bytes",
      "switchover",
      "truncate",
    ]);
    for (const { sees } of Object.values(KINDS)) expect(sees).toMatch(/\w+ \w+ \w+/);
  });
});

describe("before OCS carries out the request, the fault", () => {
  it("reset-before resets the connection", async () => {
    await bench.add({ kind: "reset-before" });
    const before = bench.state();
    const client = await sending(PROCESSED);
    expect([await client.end, client.rest(), bench.state()]).toEqual(["ECONNRESET", "", before]);
    expect(await bench.seen()).toMatchObject([
      { target: "/records/15?req=RecordProcessed", status: null, faults: ["f1"] },
    ]);
  });

  it("half-close closes OCS's side and stops reading", async () => {
    await bench.add({ kind: "half-close" });
    const before = bench.state();
    const client = await bench.connect();
    client.socket.allowHalfOpen = true;
    client.send(PROCESSED);
    await once(client.socket, "end");
    client.send(LOAD);
    expect([client.rest(), client.socket.destroyed, bench.state()]).toEqual(["", false, before]);
    client.socket.end();
    expect(await client.end).toBe("closed");
    expect(bench.ocs.counters().primary).toMatchObject({ requests: 1, violations: 0 });
  });

  it("stall delays the request until it is removed; OCS then carries it out and answers", async () => {
    const { id } = await bench.add({ kind: "stall", count: 1 });
    const before = bench.state();
    const client = await sending(PROCESSED);
    await expect.poll(async () => (await bench.faults())[0]!.state, POLL).toBe("spent");
    expect([client.rest(), client.socket.destroyed, bench.state()]).toEqual(["", false, before]);
    expect((await bench.control(`DELETE faults/${id}`)).value).toEqual({ cleared: 1 });
    expect(handle15()).toBe("finalized");
    expect((await client.answer()).head).toContain("200 OK");
    client.send(LOAD);
    expect((await client.answer()).head).toContain("409 Conflict");
  });

  it("stall later carries out the request of a client that has closed its side", async () => {
    await bench.add({ kind: "stall" });
    const client = await sending(PROCESSED);
    await expect.poll(async () => (await bench.faults())[0]!.fired, POLL).toBe(1);
    client.socket.destroy();
    await client.end;
    await bench.control("DELETE faults");
    expect(handle15()).toBe("finalized");
  });

  it("stall drops the request of a connection that was reset", async () => {
    await bench.add({ kind: "stall" });
    const client = await sending(PROCESSED);
    await expect.poll(async () => (await bench.faults())[0]!.fired, POLL).toBe(1);
    client.socket.resetAndDestroy();
    await expect.poll(async () => (await bench.seen()).map(({ status }) => status), POLL).toEqual([null]);
    await bench.control("DELETE faults");
    expect(handle15()).toBe("open");
  });

  it.each([
    [PROCESSED, 400, "9001", "400 Bad Request : 0 Incorrect or unknown request"],
    [PROCESSED, 404, "9016", "404 Not Found : 0 Not found"],
    [PROCESSED, 409, "9017", "409 Conflict : 0 Conflict"],
    [PROCESSED, 410, "112", "410 Gone : 0 No call found for the record handle"],
    [PROCESSED, 500, "9015", "500 Internal server error : 0 OCS internal processing error"],
    [ADD, 404, "9010", "404 Not Found : 0 Calling list was not found"],
    [ADD, 409, "9014", "409 Conflict : 0 Record could not be added"],
    [LOAD, 400, "10", "400 Bad Request : 0 Invalid parameter"],
    [LOAD, 404, "9", "404 Not Found : 0 Campaign group was not found"],
    [LOAD, 409, "5", ""],
    [LOAD, 410, "4", "410 Gone : 0 Campaign is not loaded"],
    [LOAD, 500, "1", "500 Internal server error : 0 Connection problem"],
    ["NONSENSE /nowhere HTTP/1.1\r\n\r\n", 410, "9009", "410 Gone : 0 Record was not found"],
  ])("status answers %j with %i and Warning %s", async (bytes, status, warning, text) => {
    await bench.add({ kind: "status", value: status });
    const before = bench.state();
    const client = await sending(bytes);
    const { head, body } = await client.answer();
    expect([head.slice(9, 12), /Warning: (\d+)/.exec(head)?.[1], body, bench.state()]).toEqual([
      String(status),
      warning,
      text === "" ? "" : `<HTML><body>${text}</body></HTML>`,
      before,
    ]);
  });

  it("stale makes the handle of the next record action stale, and ignores other requests", async () => {
    await bench.add({ kind: "stale", count: 1 });
    const client = await sending(LOAD);
    expect((await client.answer()).head).toContain("409 Conflict");
    client.send(request("/records/16?req=RecordProcessed"));
    await client.answer();
    expect((await bench.faults())[0]!.fired).toBe(0);
    client.send(PROCESSED);
    expect((await client.answer()).head).toMatch(/410 Gone[^]*Warning: 112/);
    expect([handle15(), recordOfHandle(bench.ocs.world, 15)]).toMatchObject([
      "stale",
      { record_status: 4, call_result: 46 },
    ]);
    client.send(request("/records/20?req=RecordProcessed"));
    expect((await client.answer()).head).toContain("200 OK");
  });

  it("db-down answers 409 only to a valid AddRecord on lists", async () => {
    await bench.add({ kind: "db-down" });
    const before = bench.state();
    const client = await sending(ADD);
    const { head, body } = await client.answer();
    expect([head, body]).toEqual([
      expect.stringMatching(/409 Conflict[^]*Warning: 9014/),
      "<HTML><body>409 Conflict : 0 Record could not be added</body></HTML>",
    ]);
    client.send(ADD.replace("Alpha%20List", "Gamma%20List"));
    expect((await client.answer()).head).toContain("404 Not Found");
    expect(bench.state()).toBe(before);
    client.send(PROCESSED);
    expect((await client.answer()).head).toContain("200 OK");
    expect((await bench.faults())[0]!.fired).toBe(1);
    await bench.control("DELETE faults");
    client.send(ADD);
    expect((await client.answer()).head).toContain("200 OK");
    expect(lastRecord(bench.ocs.world).contact_info).toBe("4155550177");
  });
});

describe("after OCS has carried out the request, the fault", () => {
  afterEach(() => {
    expect(handle15()).toBe("finalized");
  });

  it("slow delays the answer, until it is removed", async () => {
    await bench.add({ kind: "slow", value: "1h" });
    const client = await sending(PROCESSED);
    await expect.poll(handle15, POLL).toBe("finalized");
    expect(client.rest()).toBe("");
    await bench.control("DELETE faults");
    expect((await client.answer()).head).toContain("200 OK");
  });

  it("slow waits for its duration", async () => {
    await bench.add({ kind: "slow", value: "120ms" });
    const before = performance.now();
    await (await sending(PROCESSED)).answer();
    expect(performance.now() - before).toBeGreaterThanOrEqual(119);
  });

  it("lost-reply resets the connection", async () => {
    await bench.add({ kind: "lost-reply" });
    const client = await sending(PROCESSED);
    expect([await client.end, client.rest()]).toEqual(["ECONNRESET", ""]);
    expect(await bench.seen()).toMatchObject([{ status: 200, faults: ["f1"] }]);
  });

  it.each([
    ["0B", 0],
    ["20B", 20],
    ["1KiB", OK.length],
  ])("truncate %s cuts the answer there and closes the connection with FIN", async (value, length) => {
    await bench.add({ kind: "truncate", value });
    const client = await sending(PROCESSED);
    expect([await client.end, client.rest()]).toEqual(["closed", OK.slice(0, length)]);
  });

  it("garbage sends bytes that are not HTTP, and keeps the connection open", async () => {
    await bench.add({ kind: "garbage", count: 1 });
    const client = await sending(PROCESSED);
    await once(client.socket, "data");
    expect(client.rest()).not.toMatch(/^HTTP/);
    expect(client.rest().length).toBeGreaterThan(10);
    client.send(LOAD);
    await expect.poll(client.rest, POLL).toContain("409 Conflict");
  });

  it("surplus-bytes sends a second answer at once", async () => {
    await bench.add({ kind: "surplus-bytes" });
    const client = await sending(PROCESSED);
    await expect.poll(client.rest, POLL).toBe(OK + OK);
  });

  it("surplus-bytes sends a second answer after a delay, between two exchanges", async () => {
    await bench.add({ kind: "surplus-bytes", value: "30ms", count: 1 });
    const client = await sending(PROCESSED);
    expect((await client.answer()).head).toContain("200 OK");
    await expect.poll(client.rest, POLL).toBe(OK);
    client.send(LOAD);
    await expect.poll(client.rest, POLL).toContain("409 Conflict");
    expect(bench.ocs.counters().primary.violations).toBe(0);
  });

  it("surplus-bytes sends no delayed answer after it was removed", async () => {
    await bench.add({ kind: "surplus-bytes", value: "500ms", count: 1 });
    const client = await sending(PROCESSED);
    await client.answer();
    await bench.control("DELETE faults");
    await new Promise((resolve) => {
      setTimeout(resolve, 600);
    });
    expect(client.rest()).toBe("");
  });

  it("close-idle with a count closes the connection with FIN after the answer", async () => {
    await bench.add({ kind: "close-idle", count: 1 });
    const [client, other] = [await sending(PROCESSED), await bench.connect()];
    expect([(await client.answer()).head, await client.end]).toEqual([expect.stringContaining("200 OK"), "closed"]);
    other.send(LOAD);
    await other.answer();
    expect(other.socket.destroyed).toBe(false);
  });

  it("reject-second answers the first request, drops the second, and closes the connection with FIN", async () => {
    await bench.add({ kind: "reject-second" });
    const client = await sending(PROCESSED + request("/records/20?req=RecordProcessed"));
    expect([await client.end, client.rest(), stateOfHandle(bench.ocs.world, 20)]).toEqual(["closed", OK, "open"]);
    expect(bench.ocs.counters().primary).toMatchObject({ requests: 1, violations: 1 });
    expect((await bench.faults())[0]).toMatchObject({ fired: 1 });
  });

  it("may be one of several that strike the same request, each at its stage", async () => {
    await bench.add({ kind: "truncate", value: "12B" });
    await bench.add({ kind: "slow", value: "20ms" });
    const client = await sending(PROCESSED);
    await client.end;
    expect(client.rest()).toBe("HTTP/1.1 200");
    expect(await bench.seen()).toMatchObject([{ faults: ["f2", "f1"] }]);
  });
});

describe("a fault event:", () => {
  it("close-idle closes all idle connections with FIN at once, and no others", async () => {
    const { id } = await bench.add({ kind: "slow", value: "1h" });
    const [idle, busy, half] = [await bench.connect(), await bench.connect(), await bench.connect()];
    busy.send(PROCESSED);
    half.send("POST ");
    await expect.poll(handle15, POLL).toBe("finalized");
    expect(await bench.add({ kind: "close-idle" })).toMatchObject({ state: "over", fired: 1 });
    expect(await idle.end).toBe("closed");
    await bench.control(`DELETE faults/${id}`);
    expect((await busy.answer()).head).toContain("200 OK");
    expect([busy.socket.destroyed, half.socket.destroyed]).toEqual([false, false]);
  });

  it("switchover closes the old primary's connections with FIN, voids handles, and keeps the new roles", async () => {
    const client = await bench.connect();
    expect(await bench.add({ kind: "switchover" })).toMatchObject({ state: "over", fired: 1 });
    expect(await client.end).toBe("closed");
    const other = await bench.connect(bench.ocs.backup.http);
    other.send(PROCESSED);
    expect((await other.answer()).head).toContain("Warning: 112");
    await bench.control("DELETE faults");
    expect((await bench.control("GET state")).value).toMatchObject({ active: "backup" });
    expect(handle15()).toBe("void");
  });

  it("switchover also closes TLS connections in order", async () => {
    const client = await bench.connect(bench.ocs.primary.https, bench.ocs.ca);
    await bench.add({ kind: "switchover" });
    expect(await client.end).toBe("closed");
  });

  it("switchover closes a connection that its client keeps open", async () => {
    const client = await bench.connect();
    client.socket.allowHalfOpen = true;
    const ended = once(client.socket, "end");
    await bench.add({ kind: "switchover" });
    await ended;
    expect(bench.ocs.counters().primary.connections.open).toBe(0);
    await expect
      .poll(() => {
        client.send("x");
        return client.socket.destroyed;
      }, POLL)
      .toBe(true);
  });

  it("switchover caused by a request drops that request, and neither instance answers during the gap", async () => {
    const { id } = await bench.add({ kind: "switchover", value: "1h", action: "RecordProcessed", count: 1 });
    const client = await sending(PROCESSED);
    expect([await client.end, client.rest(), handle15()]).toEqual(["closed", "", "void"]);
    for (const url of [bench.ocs.primary.http, bench.ocs.backup.http])
      expect(["closed", "ECONNRESET"]).toContain(await (await bench.connect(url)).end);
    await bench.control(`DELETE faults/${id}`);
    const other = await bench.connect(bench.ocs.backup.http);
    other.send(LOAD);
    expect((await other.answer()).head).toContain("409 Conflict");
  });

  it.each(["the gap's time", "a reset"])("POST /sandbox/switchover with a gap ends with %s", async (how) => {
    expect((await bench.control("POST switchover", { gap: how === "a reset" ? "1h" : "80ms" })).value).toEqual({
      active: "backup",
      gap: how === "a reset" ? "1h" : "80ms",
    });
    if (how === "a reset") await bench.control("POST reset");
    const url = how === "a reset" ? bench.ocs.primary.http : bench.ocs.backup.http;
    const answered = async (): Promise<string> => {
      const client = await bench.connect(url);
      client.send(LOAD);
      return client.answer().then(
        ({ head }) => head,
        () => "",
      );
    };
    await expect.poll(answered, POLL).toContain("409 Conflict");
  });

  const urls = (): string[] => [
    bench.ocs.primary.http,
    bench.ocs.primary.https,
    bench.ocs.backup.http,
    bench.ocs.backup.https,
  ];
  const refusals = (): Promise<string[]> =>
    Promise.all(
      urls().map((url) =>
        open(url.replace("https", "http")).then(
          ({ socket }) => {
            socket.destroy();
            return "connected";
          },
          (error: NodeJS.ErrnoException) => error.code ?? error.message,
        ),
      ),
    );

  it("both-down refuses connections on all ports until it is removed; OCS keeps its state", async () => {
    const client = await bench.connect();
    const before = bench.state();
    const { id, state } = await bench.add({ kind: "both-down" });
    expect([state, await client.end]).toEqual(["on", "ECONNRESET"]);
    expect(await refusals()).toEqual(["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]);
    await bench.control(`DELETE faults/${id}`);
    expect(await refusals()).toEqual(["connected", "connected", "connected", "connected"]);
    expect(bench.state()).toBe(before);
    const again = await bench.connect(bench.ocs.primary.https, bench.ocs.ca);
    again.send(PROCESSED);
    expect((await again.answer()).head).toContain("200 OK");
  });

  it.each([{ value: "500ms" }, { for: "500ms" }, { value: "500ms", for: "1h" }])(
    "both-down %j expires",
    async (bounds) => {
      await bench.add({ kind: "both-down", ...bounds });
      expect(await refusals()).toContain("ECONNREFUSED");
      await expect.poll(refusals, POLL).toEqual(["connected", "connected", "connected", "connected"]);
      expect((await bench.faults())[0]!.state).toBe("over");
    },
  );

  it("two both-down faults last as long as the longer one, and another outage may follow", async () => {
    const [first, second] = [await bench.add({ kind: "both-down" }), await bench.add({ kind: "both-down" })];
    await bench.control(`DELETE faults/${first.id}`);
    expect(await refusals()).toContain("ECONNREFUSED");
    await bench.control(`DELETE faults/${second.id}`);
    expect(await refusals()).not.toContain("ECONNREFUSED");
    await bench.add({ kind: "both-down" });
    expect(await refusals()).toContain("ECONNREFUSED");
    await bench.control("POST reset");
    expect(await refusals()).not.toContain("ECONNREFUSED");
  });

  it("both-down reopens a port used by another process meanwhile as soon as it is free", async () => {
    const { id } = await bench.add({ kind: "both-down" });
    const { hostname, port } = new URL(bench.ocs.primary.http);
    const squatter = createServer((socket) => {
      socket.destroy();
    });
    await new Promise<void>((resolve) => {
      squatter.listen(Number(port), hostname, () => {
        resolve();
      });
    });
    expect((await bench.control(`DELETE faults/${id}`)).value).toEqual({ cleared: 1 });
    const secure = await bench.connect(bench.ocs.primary.https, bench.ocs.ca);
    secure.send(LOAD);
    expect((await secure.answer()).head).toContain("409 Conflict");
    await new Promise((resolve) => {
      squatter.close(resolve);
    });
    await expect
      .poll(async () => {
        const client = await open(bench.ocs.primary.http).catch(() => undefined);
        client?.send(LOAD);
        const head = await client?.answer().then(
          (answer) => answer.head,
          () => undefined,
        );
        client?.socket.destroy();
        return head;
      }, POLL)
      .toContain("409 Conflict");
  });

  it("both-down caused by a request drops that request", async () => {
    await bench.add({ kind: "both-down", value: "1h", tenant: "Alpha Tenant", count: 1 });
    const client = await sending(PROCESSED);
    expect([await client.end, handle15()]).toEqual(["ECONNRESET", "open"]);
    expect(await refusals()).toContain("ECONNREFUSED");
  });
});

describe("the fault kinds of the standby:", () => {
  const seenAt = async (url: string): Promise<string> => {
    const client = await open(url).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
    if (typeof client === "string") return client;
    const end = await Promise.race([client.end, new Promise<string>((resolve) => setTimeout(resolve, 80, "kept"))]);
    client.socket.destroy();
    return end === "ECONNRESET" ? "closed" : end;
  };
  const seen = async (): Promise<string[]> => [
    await seenAt(bench.ocs.primary.http),
    await seenAt(bench.ocs.backup.http),
  ];

  it.each([
    ["standby-refuses", "ECONNREFUSED"],
    ["standby-accepts", "kept"],
  ])("%s applies to new connections until it is removed, also after a switchover", async (kind, expected) => {
    expect(await seen()).toEqual(["kept", "closed"]);
    const { id } = await bench.add({ kind });
    expect(await seen()).toEqual(["kept", expected]);
    await bench.control("POST switchover", {});
    await expect.poll(seen, POLL).toEqual([expected, "kept"]);
    const client = await bench.connect(bench.ocs.backup.http);
    client.send(LOAD);
    expect((await client.answer()).head).toContain("409 Conflict");
    await bench.control(`DELETE faults/${id}`);
    await expect.poll(seen, POLL).toEqual(["closed", "kept"]);
  });

  it("standby-accepts keeps TLS connections open and answers no request", async () => {
    await bench.add({ kind: "standby-accepts" });
    const client = await bench.connect(bench.ocs.backup.https, bench.ocs.ca);
    client.send(LOAD);
    expect(await Promise.race([client.end, new Promise((resolve) => setTimeout(resolve, 100, "kept"))])).toBe("kept");
    expect(client.rest()).toBe("");
    client.socket.destroy();
  });
});

describe("the fault bad-cert", () => {
  it("gives new connections a certificate of another CA, and keeps existing ones", async () => {
    const before = await bench.connect(bench.ocs.primary.https, bench.ocs.ca);
    await bench.add({ kind: "bad-cert", count: 1 });
    await expect(open(bench.ocs.primary.https, bench.ocs.ca)).rejects.toThrow(/certificate|issuer/);
    const after = await bench.connect(bench.ocs.primary.https, bench.ocs.ca);
    for (const client of [before, after]) {
      client.send(LOAD);
      expect((await client.answer()).head).toContain("409 Conflict");
    }
    expect((await bench.faults())[0]).toMatchObject({
      fired: 1,
      remaining: 0,
      firings: [{ instance: "primary", connection: 2 }],
    });
  });

  it("does not affect HTTP connections", async () => {
    await bench.add({ kind: "bad-cert" });
    const client = await sending(LOAD);
    expect((await client.answer()).head).toContain("409 Conflict");
    expect((await bench.faults())[0]!.fired).toBe(0);
  });
});
