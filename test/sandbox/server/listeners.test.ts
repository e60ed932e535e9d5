import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecordedRequest } from "../../../src/sandbox/server/recorder.ts";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { NOON, stateOfHandle } from "../support.ts";
import { open, request, type RawClient } from "./raw-client.ts";

let ocs: SandboxOcs;
const clients: RawClient[] = [];
const connect = async (url = ocs.primary.http, ca?: string): Promise<RawClient> => {
  const client = await open(url, ca);
  clients.push(client);
  return client;
};

beforeEach(async () => {
  ocs = await startSandboxOcs({ now: () => NOON });
});
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await ocs.close();
});

/** Patience for a busy machine. */
const POLL = { timeout: 10_000 };
const LOAD = request("/campaigngroups/106?req=Load");
const seen = async (): Promise<RecordedRequest[]> =>
  (await fetch(`${ocs.control}/requests`)).json() as Promise<RecordedRequest[]>;
const setDelay = (ms: number) => fetch(`${ocs.control}/delay`, { method: "POST", body: JSON.stringify({ ms }) });

describe("a connection to OCS", () => {
  it("answers with the manual's bytes", async () => {
    const client = await connect();
    client.send(LOAD);
    expect(await client.answer()).toEqual({
      head: "HTTP/1.1 409 Conflict\r\nServer: OCS/8.1.524.04\r\nWarning: 5\r\nContent-length: 0",
      body: "",
    });
    client.send(request("/records/16?req=RecordProcessed"));
    expect(await client.answer()).toEqual({
      head:
        "HTTP/1.1 410 Gone\r\nServer: OCS/8.1.524.04\r\nWarning: 112\r\nContent-type: text/html\r\nContent-length: " +
        "74",
      body: "<HTML><body>410 Gone : 0 No call found for the record handle</body></HTML>",
    });
  });

  it("stays open for any number of requests, regardless of the header Connection", async () => {
    const client = await connect();
    for (let turn = 0; turn < 20; turn++) {
      client.send(request("/campaigngroups/106?req=Load", { headers: ["Connection: close"] }));
      expect((await client.answer()).head).toContain("409 Conflict");
    }
    expect(client.socket.destroyed).toBe(false);
    expect(ocs.counters().primary).toEqual({
      connections: { total: 1, open: 1 },
      requests: 20,
      violations: 0,
      maxInFlight: 1,
    });
  });

  it("accepts a request byte by byte, in absolute form, with a UTF-8 body", async () => {
    const client = await connect();
    const bytes = Buffer.from(
      request("http://ocs.us.int.genesyslab.com:8080/records/15?req=RecordProcessed", {
        body: '{"STATUS_CODE":"Grüße"}',
      }),
    );
    for (const byte of bytes) {
      client.send(Buffer.from([byte]));
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect((await client.answer()).head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect((await seen())[0]).toMatchObject({
      method: "POST",
      target: "http://ocs.us.int.genesyslab.com:8080/records/15?req=RecordProcessed",
      body: '{"STATUS_CODE":"Grüße"}',
      status: 200,
      instance: "primary",
      connection: 1,
      time: new Date(NOON).toISOString(),
    });
    expect(
      ocs.world.db.get("SELECT status_code FROM record JOIN record_handle USING (record_id) WHERE handle = 15"),
    ).toEqual({ status_code: "Grüße" });
  });

  it("works the same over TLS", async () => {
    const client = await connect(ocs.primary.https, ocs.ca);
    client.send(request("/campaigngroups/115", { method: "GET" }));
    const { head, body } = await client.answer();
    expect(head).toContain("Cache-control: private\r\nEtag: ");
    expect(JSON.parse(body)).toMatchObject({ GSW_CM_AttrGroupCampStatus: 0 });
    client.send(LOAD);
    expect((await client.answer()).head).toContain("409 Conflict");
    expect(ocs.counters().primary.connections).toEqual({ total: 1, open: 1 });
  });

  it("answers a client that has already sent FIN", async () => {
    await setDelay(20);
    const client = await connect();
    client.socket.end(LOAD);
    expect((await client.answer()).head).toContain("409 Conflict");
    expect(await client.end).toBe("closed");
  });
});

describe("two requests at once on one connection", () => {
  it.each(["http", "https"] as const)(
    "are counted as a violation over %s, and the connection is reset",
    async (scheme) => {
      const client = await connect(ocs.primary[scheme], scheme === "https" ? ocs.ca : undefined);
      client.send(LOAD + LOAD);
      expect(await client.end).toBe("ECONNRESET");
      expect(ocs.counters().primary).toMatchObject({ requests: 1, violations: 1, maxInFlight: 2 });
    },
  );

  it("are a violation even if only the first byte of the second has arrived", async () => {
    await setDelay(5000);
    const client = await connect();
    client.send(LOAD);
    await expect.poll(() => ocs.counters().primary.requests, POLL).toBe(1);
    client.send("P");
    expect(await client.end).toBe("ECONNRESET");
    expect(ocs.counters().primary.violations).toBe(1);
    expect(await (await fetch(`${ocs.control}/violations`)).json()).toEqual({ count: 1 });
  });

  it("do not affect other connections, and the first request is carried out", async () => {
    const [good, bad] = [await connect(), await connect()];
    bad.send(request("/records/15?req=RecordProcessed") + request("/records/20?req=RecordProcessed"));
    expect(await bad.end).toBe("ECONNRESET");
    good.send(LOAD);
    expect((await good.answer()).head).toContain("409 Conflict");
    expect([stateOfHandle(ocs.world, 15), stateOfHandle(ocs.world, 20)]).toEqual(["finalized", "open"]);
  });
});

describe("a configured delay", () => {
  it("delays requests on several connections in parallel", async () => {
    await setDelay(5000);
    const three = [await connect(), await connect(), await connect()];
    for (const client of three) client.send(LOAD);
    await expect.poll(() => ocs.counters().primary.requests, POLL).toBe(3);
    expect(ocs.counters().primary).toMatchObject({ connections: { open: 3 }, maxInFlight: 1, violations: 0 });
  });
});

describe("bytes that are not a valid request", () => {
  it.each([
    ["no request line", "HELLO\r\n\r\n"],
    ["another version", "GET /campaigngroups HTTP/2.0\r\n\r\n"],
    ["bare line feeds", "GET /campaigngroups HTTP/1.1\nHost: ocs\n\n\r\n\r\n"],
    ["a header without a colon", "GET /campaigngroups HTTP/1.1\r\nHost ocs\r\n\r\n"],
    ["a control character in a header", "GET /campaigngroups HTTP/1.1\r\nA: b\0c\r\n\r\n"],
    ["a folded header", "GET /campaigngroups HTTP/1.1\r\nA: b\r\n c\r\n\r\n"],
    ["chunks", "POST /campaigngroups/106?req=Load HTTP/1.1\r\nTransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "POST /campaigngroups/106?req=Load HTTP/1.1\r\nContent-length: 0\r\nContent-length: 2\r\n\r\n"],
    ["a length that is not a number", "POST /campaigngroups/106?req=Load HTTP/1.1\r\nContent-length: +2\r\n\r\n{}"],
    ["a body over the limit", "POST /campaigngroups/106?req=Load HTTP/1.1\r\nContent-length: 1048577\r\n\r\n"],
    ["a head over the limit", `GET /campaigngroups HTTP/1.1\r\nA: ${"a".repeat(16_400)}`],
  ])("are answered with 400, and the connection is closed: %s", async (_, bytes) => {
    const client = await connect();
    client.send(bytes);
    const { head, body } = await client.answer();
    expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nServer: OCS\/8\.1\.524\.04\r\nWarning: 9001\r\n/);
    expect(body).toMatch(/^<HTML><body>400 Bad Request : 0 .+<\/body><\/HTML>$/);
    expect(await client.end).toBe("closed");
    await expect.poll(() => ocs.counters().primary, POLL).toMatchObject({ requests: 0, connections: { open: 0 } });
  });

  it("do not keep a connection open whose client never closes it", async () => {
    const client = await connect();
    client.socket.allowHalfOpen = true;
    client.send("HELLO\r\n\r\n");
    await client.answer();
    await expect.poll(() => ocs.counters().primary.connections.open, POLL).toBe(0);
  });

  it("instead of a TLS handshake do not harm the listener", async () => {
    const client = await connect(ocs.primary.https.replace("https", "http"));
    client.send("GET / HTTP/1.1\r\n\r\n");
    await client.end;
    const other = await connect(ocs.primary.https, ocs.ca);
    other.send(LOAD);
    expect((await other.answer()).head).toContain("409 Conflict");
  });
});

describe("a pair of primary and backup", () => {
  it("has one instance that answers and one that closes connections at once", async () => {
    for (const url of [ocs.backup.http, ocs.backup.https])
      expect(["closed", "ECONNRESET"]).toContain(await (await connect(url)).end);
    await expect(open(ocs.backup.https, ocs.ca)).rejects.toThrow();
    await expect
      .poll(() => ocs.counters().backup, POLL)
      .toEqual({ connections: { total: 3, open: 0 }, requests: 0, violations: 0, maxInFlight: 0 });
  });

  it("ends the old primary's connections and voids handles at a switchover, and keeps the groups' states", async () => {
    const client = await connect();
    client.send(LOAD);
    await client.answer();
    expect(ocs.switchover()).toBe("backup");
    await client.end;
    const after = await connect(ocs.backup.http);
    after.send(LOAD);
    expect((await after.answer()).head).toContain("409 Conflict");
    after.send(request("/records/15?req=RecordProcessed"));
    expect((await after.answer()).head).toContain("Warning: 112");
    const old = await connect();
    expect(["closed", "ECONNRESET"]).toContain(await old.end);
  });

  it("loses the answer to a request in progress at a switchover, although OCS carries it out", async () => {
    await setDelay(5000);
    const client = await connect();
    client.send(request("/records/15?req=RecordProcessed"));
    await expect.poll(() => stateOfHandle(ocs.world, 15), POLL).toBe("finalized");
    ocs.switchover();
    await client.end;
    await expect(client.answer()).rejects.toThrow("ended");
  });
});
