import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { ocs, type Client, type ClientOptions, type Result } from "../../src/client/client.ts";

type Peer = {
  readonly url: string;
  /** Whole requests, in the order in which they came. */
  readonly requests: string[];
  readonly connections: () => number;
};
/** What the peer does with the request of that number, from 0. */
type Script = (socket: Socket, number: number, request: string) => void;

const ID = "01M8ZZZZZZZZZZZZZZZZZZZZZZ";
const open: { close: () => void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** As a gateway does, gives each answer its own id; the first has ID. */
const numbered = (socket: Socket, number: number): Socket => {
  const write = socket.write.bind(socket) as (data: unknown) => boolean;
  const own = `${ID.slice(0, -4)}${String(number).padStart(4, "0")}`;
  socket.write = (data: unknown) => write(number > 0 && typeof data === "string" ? data.replaceAll(ID, own) : data);
  return socket;
};

const peerThat = async (script: Script): Promise<Peer> => {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const request = Buffer.from(text, "latin1").toString("utf8");
      text = "";
      requests.push(request);
      script(numbered(socket, requests.length - 1), requests.length - 1, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
  };
};

const aClient = (url: string, options: Partial<ClientOptions> = {}): Client => {
  const client = ocs({ baseUrl: url, key: "sk_test", ...options });
  open.push(client);
  return client;
};

const answer = (status: number, headers: Readonly<Record<string, string>> = {}, body = ""): string => {
  const all = {
    "Ocsgw-Request-Id": ID,
    "Ocsgw-Origin": "ocs",
    "Ocsgw-Delivery": "answered",
    "Content-Length": `${Buffer.byteLength(body)}`,
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} x\r\n${lines.join("")}\r\n${body}`;
};
const refusal = (status: number, code: string, headers: Readonly<Record<string, string>> = {}, body = ""): string =>
  answer(status, { "Ocsgw-Origin": "gateway", "Ocsgw-Delivery": "not-sent", "Ocsgw-Code": code, ...headers }, body);
const answering =
  (text: string): Script =>
  (socket) =>
    void socket.write(text);

const ask = async (script: Script, call: (client: Client) => Promise<Result<unknown>>): Promise<Result<unknown>> =>
  call(aClient((await peerThat(script)).url));
const doNotCall = (client: Client) => client.phones("4155550100").doNotCall();
const addRecord = (client: Client) =>
  client.lists("Alpha List").addRecord({ GSW_CAMPAIGN_NAME: "C", GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" });
const load = (client: Client) => client.campaignGroups(106).load();

describe("a request of the client", () => {
  it("is OCS's, with the key, and with true lengths", async () => {
    const peer = await peerThat(answering(answer(200)));
    const client = aClient(peer.url);
    await client.lists("R&D + 'Ü'/x").addRecord({
      GSW_CAMPAIGN_NAME: 'A "B"',
      GSW_PHONE: "4155550100",
      GSW_TZ_NAME: "Zürich",
      fields: { "First Name": "O'Neil", BIG: 9_007_199_254_740_993n },
    });
    expect(peer.requests).toEqual([
      `POST /lists/R%26D%20%2B%20'%C3%9C'%2Fx?req=AddRecord HTTP/1.1\r\nHost: ${new URL(peer.url).host}\r\n` +
        "X-Api-Key: sk_test\r\nAccept: application/problem+json\r\nContent-Type: application/json\r\n" +
        'Content-Length: 125\r\n\r\n{"GSW_CAMPAIGN_NAME":"A \\"B\\"","GSW_PHONE":"4155550100","GSW_TZ_NAME":"Zürich",' +
        '"First Name":"O\'Neil","BIG":9007199254740993}',
    ]);
  });

  it.each<[string, (client: Client) => unknown, string]>([
    ["a record", (client) => client.records("15").recordReject(), "POST /records/15?req=RecordReject"],
    ["a number with +", (client) => client.phones("+4155").requestRecordCancel(), "POST /phones/+4155?req=RequestRec"],
    ["a customer", (client) => client.customerIds("a+b").doNotCall(), "POST /customer_ids/a%2Bb?req=DoNotCall"],
    ["a group", (client) => client.campaignGroups(106).readStatus(), "GET /campaigngroups/106 HTTP/1.1"],
    ["all groups", (client) => client.campaignGroups().readStatus(), "GET /campaigngroups HTTP/1.1"],
    ["a null value", (client) => client.phones("415").doNotCall({ GSW_CHAIN_ATTR: null as never }), "POST /phones/415"],
  ])("about %s has the path that OCS has", async (_, call, line) => {
    const peer = await peerThat(answering(answer(200)));
    await call(aClient(peer.url));
    expect(peer.requests[0]!.startsWith(line)).toBe(true);
    expect(/content-type/i.test(peer.requests[0]!)).toBe(false);
  });

  it.each<[string, Partial<ClientOptions>, string[], string[]]>([
    ["a key alone", {}, ["X-Api-Key: sk_test"], ["Authorization"]],
    ["client and key", { client: "alpha-ors" }, ["Authorization: Basic YWxwaGEtb3JzOnNrX3Rlc3Q="], ["X-Api-Key"]],
    ["a token", { key: undefined, token: "a.b.c" }, ["Authorization: Bearer a.b.c"], ["X-Api-Key"]],
    ["a function", { key: undefined, token: () => Promise.resolve("d") }, ["Authorization: Bearer d"], []],
    ["a client certificate", { key: undefined }, [], ["Authorization", "X-Api-Key"]],
    ["a tenant", { tenant: "Alpha Tenant" }, ["Ocsgw-Tenant: Alpha Tenant"], []],
    ["a tenant's DBID", { tenant: 101 }, ["Ocsgw-Tenant: 101"], []],
  ])("has the headers of %s", async (_, options, has, lacks) => {
    const peer = await peerThat(answering(answer(200)));
    await doNotCall(aClient(peer.url, options));
    for (const line of has) expect(peer.requests[0]).toContain(`\r\n${line}\r\n`);
    for (const name of lacks) expect(peer.requests[0]).not.toContain(name);
  });

  it("has the preference of a Do-Not-Call that is handed over, and resolves to what the gateway accepted", async () => {
    const peer = await peerThat(
      answering(
        "HTTP/1.1 202 Accepted\r\nOcsgw-Request-Id: 01M9\r\nOcsgw-Origin: gateway\r\nOcsgw-Delivery: not-sent\r\n" +
          "Location: /ocsgw/requests/01M9\r\nPreference-Applied: respond-async\r\nContent-Length: 0\r\n\r\n",
      ),
    );
    const client = aClient(peer.url, {});
    const result = await client.phones("415").doNotCall({}, { respondAsync: true });
    expect(result).toMatchObject({ ok: true, origin: "gateway", delivery: "not-sent", status: 202, requestId: "01M9" });
    expect(peer.requests[0]).toContain("\r\nPrefer: respond-async\r\n");
    await expect(client.phones("415").requestRecordCancel({}, { respondAsync: true })).rejects.toThrow(
      /^respondAsync: /,
    );
  });

  it("has the Idempotency-Key of an AddRecord, in quotes, and takes none for other actions", async () => {
    const peer = await peerThat(answering(answer(200)));
    const client = aClient(peer.url, {});
    const body = { GSW_CAMPAIGN_NAME: "C", GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" };
    await client.lists("L").addRecord(body, { idempotencyKey: String.raw`a "b" \c` });
    expect(peer.requests[0]).toContain(String.raw`Idempotency-Key: "a \"b\" \\c"` + "\r\n");
    const wrong = [
      () => client.phones("415").doNotCall({}, { idempotencyKey: "k" }),
      () => client.lists("L").addRecord(body, { idempotencyKey: "" }),
      () => client.lists("L").addRecord(body, { idempotencyKey: "k".repeat(256) }),
      () => client.lists("L").addRecord(body, { idempotencyKey: "k\r\nX: y" }),
    ];
    for (const call of wrong) await expect(call()).rejects.toThrow(/^idempotencyKey: /);
    expect(peer.requests).toHaveLength(1);
  });

  it("may name another tenant than the client's", async () => {
    const peer = await peerThat(answering(answer(200)));
    await aClient(peer.url, { tenant: 101 }).phones("415").doNotCall({}, { tenant: 102 });
    expect(peer.requests[0]).toContain("Ocsgw-Tenant: 102\r\n");
  });
});

describe("an answer", () => {
  it("of OCS is done", async () => {
    expect(await ask(answering(answer(200)), doNotCall)).toEqual({
      ok: true,
      origin: "ocs",
      delivery: "answered",
      repeat: "no",
      status: 200,
      code: undefined,
      value: undefined,
      text: "done",
      requestId: ID,
    });
  });

  it("of OCS with 5102 is done, and says so", async () => {
    const result = await ask(answering(answer(200, { "Ocsgw-Code": "OCSGW-5102", "Ocsgw-Repeat": "no" })), doNotCall);
    expect(result).toMatchObject({ ok: true, code: "OCSGW-5102", repeat: "no" });
  });

  it("of OCS with a status of groups has it as value", async () => {
    const body = { GSW_CM_MessageType: 46, CampaignGroups: {} };
    const result = await ask(answering(answer(200, {}, JSON.stringify(body))), (client) =>
      client.campaignGroups().readStatus(),
    );
    expect(result).toMatchObject({ ok: true, value: body });
  });

  it("of OCS that is no has its number, its words and what the manual says", async () => {
    const page = "<HTML><body>410 Gone : 0 No call found for the record handle &lt;15&gt;</body></HTML>";
    const result = await ask(answering(answer(410, { Warning: "112" }, page)), (client) =>
      client.records(15).recordReject(),
    );
    expect(result).toEqual({
      ok: false,
      origin: "ocs",
      delivery: "answered",
      repeat: "no",
      status: 410,
      code: undefined,
      ocsError: 112,
      text: "410 Gone : 0 No call found for the record handle <15>",
      reading: "no such record; Warning 112: no call for the handle",
      requestId: ID,
    });
  });

  it("of the gateway has code, words, place and whether to repeat", async () => {
    const problem = JSON.stringify({ detail: "expected AllChain or RecordOnly", pointer: "/GSW_CHAIN_ATTR" });
    expect(await ask(answering(refusal(400, "OCSGW-1007", {}, problem)), doNotCall)).toEqual({
      ok: false,
      origin: "gateway",
      delivery: "not-sent",
      repeat: "no",
      status: 400,
      code: "OCSGW-1007",
      text: "expected AllChain or RecordOnly",
      pointer: "/GSW_CHAIN_ATTR",
      retryAfter: undefined,
      requestId: ID,
    });
  });

  it.each<[string, string, object]>([
    [
      "a limit",
      refusal(429, "OCSGW-3001", { "Ocsgw-Repeat": "safe", "Retry-After": "3" }),
      { repeat: "safe", retryAfter: 3 },
    ],
    [
      "no answer of OCS",
      refusal(504, "OCSGW-4101", { "Ocsgw-Repeat": "check-first", "Ocsgw-Delivery": "sent-no-answer" }),
      { repeat: "check-first", delivery: "sent-no-answer", status: 504 },
    ],
  ])("of the gateway about %s says what its headers say", async (_, text, expected) => {
    expect(await ask(answering(text), load)).toMatchObject({ ok: false, origin: "gateway", ...expected });
  });

  it.each<[string, string]>([
    ["a proxy", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"],
    ["an OCS without a gateway", "HTTP/1.1 200 OK\r\nServer: OCS/8.1\r\nContent-Length: 0\r\n\r\n"],
    ["a gateway without a code", answer(500, { "Ocsgw-Origin": "gateway" })],
    ["a gateway that refuses with 200", refusal(200, "OCSGW-4001", { "Ocsgw-Repeat": "safe" })],
    ["an OCS that did not answer", answer(200, { "Ocsgw-Delivery": "sent-no-answer" })],
    ["an OCS that got nothing", answer(503, { "Ocsgw-Delivery": "not-sent" })],
  ])("of %s is no answer of a gateway, and may have been sent", async (_, text) => {
    expect(await ask(answering(text), addRecord)).toMatchObject({
      ok: false,
      origin: "network",
      reason: "not-a-gateway",
      delivery: "sent-no-answer",
      repeat: "no",
      status: Number(text.slice(9, 12)),
    });
  });
});

describe("the network", () => {
  const closing: Script = (socket) => socket.destroy();
  const half: Script = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le");

  it.each<[string, (client: Client) => Promise<Result<unknown>>, string]>([
    ["an AddRecord", addRecord, "no"],
    ["a Load", load, "check-first"],
    ["a Do-Not-Call", doNotCall, "safe"],
  ])("that ends after %s was sent says whether to repeat, and nothing is sent again", async (_, call, repeat) => {
    for (const script of [closing, half, ((socket) => socket.end()) as Script]) {
      const peer = await peerThat(script);
      const result = await call(aClient(peer.url));
      expect(result).toMatchObject({ ok: false, origin: "network", delivery: "sent-no-answer", repeat });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(peer.requests).toHaveLength(1);
    }
  });

  it("that ends a kept connection with the next request sends that one once", async () => {
    const peer = await peerThat((socket, number) => {
      if (number === 0) socket.write(answer(200));
      else socket.destroy();
    });
    const client = aClient(peer.url);
    expect(await addRecord(client)).toMatchObject({ ok: true });
    expect(await addRecord(client)).toMatchObject({ delivery: "sent-no-answer", repeat: "no" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([peer.requests.length, peer.connections()]).toEqual([2, 1]);
  });

  it("that refuses the connection has sent nothing", async () => {
    const { url } = await peerThat(() => undefined);
    for (const each of open.splice(0)) each.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await addRecord(aClient(url))).toMatchObject({
      ok: false,
      origin: "network",
      reason: "connect",
      delivery: "not-sent",
      repeat: "safe",
    });
  });

  it("with a name that does not resolve has sent nothing", async () => {
    const result = await addRecord(aClient("http://ocs-gw.invalid:8443"));
    expect(result).toMatchObject({ reason: "connect", delivery: "not-sent", repeat: "safe" });
  });

  it("where the other side speaks no TLS has sent nothing", async () => {
    const { url } = await peerThat((socket) => socket.end("HTTP/1.1 400 x\r\n\r\n"));
    const result = await addRecord(aClient(url.replace("http:", "https:"), { connectTimeout: 500 }));
    expect(result).toMatchObject({ origin: "network", delivery: "not-sent", repeat: "safe" });
  });

  it.each<[string, string]>([
    ["no HTTP", "SSH-2.0-x\r\n\r\n"],
    ["no HTTP, and no end of a header block", "SSH-2.0-x\r\n"],
    ["lines that end with LF alone", answer(200).replaceAll("\r\n", "\n")],
    ["HTTP/2", "HTTP/2 200\r\n\r\n"],
    ["two deliveries", refusal(504, "OCSGW-4101", { "ocsgw-delivery": "sent-no-answer", "Ocsgw-Repeat": "safe" })],
    ["two origins", answer(200, { "ocsgw-origin": "gateway" })],
    ["two words about repeating", refusal(503, "OCSGW-4001", { "Ocsgw-Repeat": "safe", "ocsgw-repeat": "no" })],
    ["two codings", answer(200, { "Transfer-Encoding": "gzip", "transfer-encoding": "chunked" })],
    ["an endless line of a chunk", `${answer(200, { "Transfer-Encoding": "chunked" })}1;${"x".repeat(5000)}`],
    ["two lengths", answer(200, { "content-length": "5" })],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ["a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
    ["a folded header", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ])("with %s is a malformed answer, which may have been carried out", async (_, text) => {
    expect(await ask(answering(text), addRecord)).toMatchObject({
      reason: "malformed-answer",
      delivery: "sent-no-answer",
      repeat: "no",
    });
  });

  it.each<[string, string[]]>([
    ["in pieces", answer(200).split("")],
    ["after 100 Continue", ["HTTP/1.1 100 Continue\r\n\r\n", answer(200)]],
    [
      "in chunks",
      [
        answer(410, { "Transfer-Encoding": "chunked" }).replace(/Content-Length.*\r\n/, ""),
        "5;x=y\r\nHel",
        "lo\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
      ],
    ],
  ])("that brings the answer %s is no problem", async (how, pieces) => {
    const peer = await peerThat((socket) => {
      void pieces.reduce(
        (before, piece) =>
          before.then(async () => {
            socket.write(piece);
            await new Promise((resolve) => setImmediate(resolve));
          }),
        Promise.resolve(),
      );
    });
    const client = aClient(peer.url);
    const result = await doNotCall(client);
    expect(result).toMatchObject(how === "in chunks" ? { origin: "ocs", text: "Hello!" } : { ok: true });
    await doNotCall(client);
    expect(peer.connections()).toBe(1);
  });

  it("with an answer that lasts until the connection ends is no problem", async () => {
    const text = answer(410).replace(/Content-Length.*\r\n/, "");
    expect(await ask((socket) => socket.end(`${text}Gone`), doNotCall)).toMatchObject({ origin: "ocs", text: "Gone" });
  });
});

describe("connections", () => {
  it("are one for all calls, in their order, with one request at a time", async () => {
    let running = 0;
    let most = 0;
    const peer = await peerThat((socket) => {
      most = Math.max(most, ++running);
      setTimeout(() => {
        running--;
        socket.write(answer(200));
      }, 5);
    });
    const client = aClient(peer.url);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => client.phones(`41555501${10 + index}`).doNotCall()),
    );
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(peer.requests.map((request) => /phones\/(\d+)/.exec(request)![1])).toEqual(
      Array.from({ length: 10 }, (_, index) => `41555501${10 + index}`),
    );
    expect([most, peer.connections()]).toEqual([1, 1]);
  });

  it.each<[string, Script, Partial<ClientOptions>]>([
    ["that the other side ends between two calls", (socket) => socket.end(answer(200)), {}],
    ["that say Connection twice", answering(answer(200, { Connection: "keep-alive", connection: "close" })), {}],
    ["with chunks and a length", answering(`${answer(200, { "Transfer-Encoding": "chunked" })}0\r\n\r\n`), {}],
    ["that say Connection: close", answering(answer(200, { Connection: "close" })), {}],
    ["with bytes behind the answer", answering(`${answer(200)}HTTP/1.1 200 OK\r\n`), {}],
    ["that were unused for too long", answering(answer(200)), { keepAlive: 1 }],
    ["that the other side will close soon", answering(answer(200, { "Keep-Alive": "timeout=1" })), {}],
  ])("%s are not used again", async (_, script, options) => {
    const peer = await peerThat(script);
    const client = aClient(peer.url, options);
    expect(await addRecord(client)).toMatchObject({ ok: true });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await addRecord(client)).toMatchObject({ ok: true });
    expect(peer.connections()).toBe(2);
  });
});

describe("a second answer to one request", () => {
  const refused = refusal(503, "OCSGW-4001", { "Ocsgw-Repeat": "safe" });

  it.each<[string, Script]>([
    [
      "before the next request is sent is not taken for its answer",
      (socket, number) => {
        if (number > 0) return void socket.write(answer(200));
        socket.write(refused);
        setImmediate(() => socket.write(refused));
      },
    ],
    [
      "after the next request was sent is not taken for its answer",
      (socket, number) => {
        // The first one again: a string as bytes keeps its id.
        socket.write(number === 0 ? refused : Buffer.from(refused));
      },
    ],
  ])("%s", async (_, script) => {
    const client = aClient((await peerThat(script)).url);
    expect(await addRecord(client)).toMatchObject({ delivery: "not-sent", repeat: "safe" });
    const second = await addRecord(client);
    expect(second.ok || (second.delivery === "sent-no-answer" && second.repeat === "no")).toBe(true);
  });
});

describe("a connection that ended while the program was busy", () => {
  it("is not used again, so that nothing is lost", async () => {
    const peer = await peerThat((socket, number) => {
      socket.write(answer(200));
      if (number === 0) setTimeout(() => socket.end(), 20);
    });
    const client = aClient(peer.url);
    expect(await addRecord(client)).toMatchObject({ ok: true });
    await new Promise<void>((resolve) =>
      setTimeout(() => {
        // The end has come, and nothing has read it.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
        resolve();
      }, 19),
    );
    expect(await addRecord(client)).toMatchObject({ ok: true });
    expect(peer.connections()).toBe(2);
  });
});

describe("a call that ends early", () => {
  const silent: Script = () => undefined;

  it("by its time after it was sent may have been carried out", async () => {
    const peer = await peerThat(silent);
    const client = aClient(peer.url, { timeout: 50 });
    expect(await addRecord(client)).toMatchObject({ reason: "timeout", delivery: "sent-no-answer", repeat: "no" });
    expect(peer.requests).toHaveLength(1);
  });

  it("by its time while it waits for its turn was not sent, and the others go on", async () => {
    const peer = await peerThat((socket, number) => void (number > 0 && socket.write(answer(200))));
    const client = aClient(peer.url);
    const first = client.phones("1").doNotCall({}, { timeout: 150 });
    const second = client.phones("2").doNotCall({}, { timeout: 20 });
    const third = client.phones("3").doNotCall();
    expect(await second).toMatchObject({ reason: "timeout", delivery: "not-sent", repeat: "safe" });
    expect(await first).toMatchObject({ reason: "timeout", delivery: "sent-no-answer" });
    expect(await third).toMatchObject({ ok: true });
    expect(peer.requests.map((request) => request.slice(0, 15))).toEqual(["POST /phones/1?", "POST /phones/3?"]);
  });

  it("by its signal is aborted, before it is sent or after", async () => {
    const peer = await peerThat(silent);
    const client = aClient(peer.url);
    const options = { signal: AbortSignal.abort() };
    expect(await client.phones("1").doNotCall({}, options)).toMatchObject({ reason: "aborted", delivery: "not-sent" });
    const controller = new AbortController();
    const running = client.phones("2").doNotCall({}, { signal: controller.signal });
    await expect.poll(() => peer.requests.length).toBe(1);
    controller.abort();
    expect(await running).toMatchObject({ reason: "aborted", delivery: "sent-no-answer", repeat: "safe" });
  });

  it("because its token does not come was not sent, and the others go on", async () => {
    const peer = await peerThat(answering(answer(200)));
    let calls = 0;
    const token = () => (calls++ === 0 ? new Promise<string>(() => undefined) : "t");
    const client = aClient(peer.url, { key: undefined, token });
    const first = client.phones("1").doNotCall({}, { timeout: 30 });
    const second = client.phones("2").doNotCall();
    expect(await first).toMatchObject({ reason: "timeout", delivery: "not-sent", repeat: "safe" });
    expect(await second).toMatchObject({ ok: true });
  });

  it("because the client is closed was not sent; the one under way ends", async () => {
    let reply: () => void = () => undefined;
    const peer = await peerThat((socket) => (reply = () => void socket.write(answer(200))));
    const client = aClient(peer.url);
    const [first, second] = [client.phones("1").doNotCall(), client.phones("2").doNotCall()];
    await expect.poll(() => peer.requests.length).toBe(1);
    client.close();
    expect(await second).toMatchObject({ reason: "closed", delivery: "not-sent", repeat: "safe" });
    reply();
    expect(await first).toMatchObject({ ok: true });
    await expect(client.phones("3").doNotCall()).rejects.toThrow(TypeError);
  });
});

describe("programming errors", () => {
  it.each<[string, Partial<ClientOptions>, RegExp]>([
    ["no URL", { baseUrl: "ocs-gw:8443" }, /baseUrl/],
    ["a path", { baseUrl: "https://ocs-gw.example.internal/records" }, /paths are at the root/],
    ["a credential in the URL", { baseUrl: "https://a:secret@ocs-gw.example.internal" }, /no credential/],
    ["a key and a token", { token: "t" }, /not both/],
    ["a client without a key", { key: undefined, client: "c" }, /needs a key/],
    ["a key with a line break", { key: "secret\r\nX: y" }, /key: expected/],
    ["a client with a colon", { client: "a:b" }, /colon/],
    ["a tenant that no header can have", { tenant: "Zürich" }, /DBID/],
    ["no time", { timeout: 0 }, /timeout/],
    ["a time that is none", { keepAlive: Number.NaN }, /keepAlive/],
  ])("in options throw TypeError: %s", (_, options, message) => {
    const make = () => ocs({ baseUrl: "https://ocs-gw.example.internal:8443", key: "k", ...options });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret/);
  });

  const client = ocs({ baseUrl: "http://127.0.0.1:1", key: "k" });
  it.each<[string, () => unknown, RegExp]>([
    ["no identifier", () => client.phones(undefined as never), /phones/],
    ["an empty identifier", () => client.lists(""), /names nothing/],
    ["a fraction", () => client.records(1.5), /whole number/],
    ["a path of dots", () => client.customerIds(".."), /names nothing/],
    ["half of a pair", () => client.customerIds("\ud800"), /surrogate/],
  ])("in identifiers throw TypeError: %s", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ["a missing attribute", () => client.records(15).recordReschedule({} as never), /needs GSW_DATE_TIME/],
    ["a name that is none", () => client.records(15).recordProcessed({ GSW_RESULT: 1 } as never), /GSW_RESULT is no/],
    ["a field beside them", () => client.records(15).recordProcessed({ CODE: 1 } as never), /belongs into fields/],
    ["a field of OCS", () => client.records(15).recordProcessed({ fields: { gsw_x: 1 } }), /OCS's own/],
    ["a field of a group", () => client.campaignGroups(1).load({ fields: { A: 1 } } as never), /takes no fields/],
    ["a fraction", () => client.records(15).recordProcessed({ fields: { A: 1.5 } }), /whole number/],
    ["a date", () => client.records(15).recordReschedule({ GSW_DATE_TIME: new Date() as never }), /GSW_DATE_TIME/],
    ["no object", () => client.phones("1").doNotCall("x" as never), /expected an object/],
  ])("in bodies reject with TypeError: %s", async (_, call, message) => {
    await expect(call()).rejects.toThrow(TypeError);
    await expect(call()).rejects.toThrow(message);
  });

  it("of a function for tokens reject as they are, and the others go on", async () => {
    const peer = await peerThat(answering(answer(200)));
    let calls = 0;
    const token = () => {
      if (calls++ === 0) throw new Error("no token");
      return "t";
    };
    const own = aClient(peer.url, { key: undefined, token });
    await expect(doNotCall(own)).rejects.toThrow("no token");
    expect(await doNotCall(own)).toMatchObject({ ok: true });
  });
});
