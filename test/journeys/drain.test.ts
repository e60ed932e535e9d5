/** How a gateway stops: what is under way ends, and what still comes is served or told that it was not sent. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { announce, betaRecord, record } from "../kit/announcing.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient, type RawClient } from "../kit/raw-client.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const LONG = { timeout: 60_000 };
const PATIENT = { timeout: 20_000, interval: 10 };
const authority = createAuthority("drain");
const leaf = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
const FILES = { "server.crt": leaf.certPem, "server.key": leaf.keyPem };

let ocs: RawOcs;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  ocs = await rawOcs();
  closing.push(() => ocs.close());
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const LISTENERS = [
  { name: "secure", bind: "127.0.0.1:0", tls: { cert: "server.crt", key: "server.key" } },
  { name: "plain", bind: "127.0.0.1:0", tls: "none" },
];

const start = async (upstream: object = {}, over: object = {}): Promise<TestGateway> => {
  const config = { ...twoTenants(ocs.url), listeners: LISTENERS, admin: { bind: "127.0.0.1:0" }, ...over };
  Object.assign(config.upstreams["ocs"] as object, upstream);
  const gateway = await aGateway(config, ["alpha", "beta"], FILES);
  closing.push(() => gateway.stop());
  return gateway;
};

const dial = async ({ gateway }: TestGateway, name: string): Promise<RawClient> => {
  const { port } = new URL(gateway.listeners.find((each) => each.name === name)!.url);
  const client = await rawClient(Number(port), name === "secure" ? { ca: authority.certPem } : {});
  closing.push(client.close);
  return client;
};

type Outcome = readonly [status: number, delivery: string | undefined, connection: string | undefined, code?: string];

const write = (client: RawClient, who: string): Promise<void> =>
  client.send(
    [
      "POST /phones/4155550100?req=DoNotCall HTTP/1.1",
      "Host: localhost",
      `Authorization: ${basic(who)}`,
      "Content-Length: 0",
      "",
      "",
    ].join("\r\n"),
  );

const outcomeOf = async (client: RawClient): Promise<Outcome> => {
  const { status, headers } = await client.reply();
  const code = headers["ocsgw-code"];
  const said = [status, headers["ocsgw-delivery"], headers["connection"]] as const;
  return code === undefined ? said : [...said, code];
};

const ask = async (client: RawClient, who: string): Promise<Outcome> => {
  await write(client, who);
  return outcomeOf(client);
};

const readiness = async ({ gateway }: TestGateway): Promise<readonly [number, unknown]> => {
  const reply = await fetch(`${gateway.admin!}/readyz`, { headers: { connection: "close" } });
  return [reply.status, ((await reply.json()) as { reasons: unknown }).reasons];
};

describe("a gateway that stops", () => {
  it("serves one more request on each idle connection, of every tenant, over TLS and plain", LONG, async () => {
    const gateway = await start();
    const ways = [
      ["secure", "alpha"],
      ["plain", "alpha"],
      ["secure", "beta"],
      ["plain", "beta"],
    ] as const;
    const clients = await Promise.all(ways.map(async ([name, who]) => ({ client: await dial(gateway, name), who })));
    for (const { client, who } of clients) expect(await ask(client, who)).toEqual([200, "answered", "keep-alive"]);
    const stopped = gateway.gateway.stop("test");
    for (const { client, who } of clients) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await ask(client, who)).toEqual([200, "answered", "close"]);
    }
    await stopped;
    expect(ocs.requests()).toBe(8);
  });

  it("lets go of idle connections when nobody has asked for a while", LONG, async () => {
    const gateway = await start();
    const client = await dial(gateway, "secure");
    await ask(client, "alpha");
    await gateway.gateway.stop("test");
    expect(await client.ended()).toBe("");
  });

  it("says that it drains for drain.delay, and takes connections and requests as before meanwhile", LONG, async () => {
    const gateway = await start({}, { drain: { delay: "1500ms" } });
    const before = await dial(gateway, "plain");
    expect(await ask(before, "alpha")).toEqual([200, "answered", "keep-alive"]);
    const begun = performance.now();
    const stopped = gateway.gateway.stop("test", { quiet: 0 });
    expect(await readiness(gateway)).toEqual([503, ["draining"]]);
    expect(await ask(before, "alpha")).toEqual([200, "answered", "keep-alive"]);
    expect(await ask(await dial(gateway, "secure"), "beta")).toEqual([200, "answered", "keep-alive"]);
    await stopped;
    expect(performance.now() - begun).toBeGreaterThan(1490);
  });

  it("has no such time when its journal is another's, and hears nothing of OCS from then on", LONG, async () => {
    let answer = (): void => undefined;
    ocs.script = ({ connection }) => void (answer = () => connection.socket.write(OK));
    const callbacks = { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] };
    const gateway = await start({ callbacks }, { drain: { delay: "1h" } });
    const client = await dial(gateway, "plain");
    await write(client, "alpha");
    await vi.waitFor(() => expect(ocs.requests()).toBe(1), PATIENT);
    const stopped = gateway.gateway.stop("test", { now: true });
    const heard = gateway.gateway.callbacks["ocs"]!;
    await vi.waitFor(() => expect(announce(heard, record(1))).rejects.toThrow("ECONNREFUSED"), PATIENT);
    answer();
    expect(await outcomeOf(client)).toEqual([200, "answered", "close"]);
    await stopped;
  });

  it("gives OCS all the time that the config gives it, however long", LONG, async () => {
    let answer = (): void => undefined;
    ocs.script = ({ connection }) => void (answer = () => connection.socket.write(OK));
    const gateway = await start({ timeouts: { answer: "40s" } });
    const client = await dial(gateway, "secure");
    await write(client, "alpha");
    await vi.waitFor(() => expect(ocs.requests()).toBe(1), PATIENT);
    const stopped = gateway.gateway.stop("test", { quiet: 0 });
    // Longer than the 15 s that every gateway had once.
    await new Promise((resolve) => setTimeout(resolve, 16_000));
    answer();
    expect(await outcomeOf(client)).toEqual([200, "answered", "close"]);
    await stopped;
  });

  it("tells each client what the journal says, and who comes too late that nothing was sent", LONG, async () => {
    const gateway = await start({ timeouts: { answer: "2s" }, queue: { max_wait: "1s" } });
    ocs.script = () => undefined;
    const [hanging, later] = [await dial(gateway, "secure"), await dial(gateway, "plain")];
    for (const client of [hanging, later]) await client.send("");
    const stopped = gateway.gateway.stop("test");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await write(hanging, "alpha");
    // From 1 s on nothing is sent any more, because it might have no answer by the end.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await ask(later, "beta")).toEqual([503, "not-sent", "close", "OCSGW-4001"]);
    expect(await outcomeOf(hanging)).toEqual([504, "sent-no-answer", "close", "OCSGW-4101"]);
    await stopped;
    const entries = await gateway.journal();
    const outcomes = entries.flatMap((entry) => (entry.kind === "outcome" ? [entry.delivery] : []));
    expect(new Set(outcomes)).toEqual(new Set(["not-sent", "sent-no-answer"]));
  });

  it("hears what OCS announces while a request is under way, and closes that listener last", LONG, async () => {
    let answer = (): void => undefined;
    ocs.script = ({ connection }) => void (answer = () => connection.socket.write(OK));
    const gateway = await start({ callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } });
    const callbacks = gateway.gateway.callbacks["ocs"]!;
    const client = await dial(gateway, "plain");
    await write(client, "alpha");
    await vi.waitFor(() => expect(ocs.requests()).toBe(1), PATIENT);
    const stopped = gateway.gateway.stop("test", { quiet: 0 });
    await vi.waitFor(() => expect(dial(gateway, "plain")).rejects.toThrow("ECONNREFUSED"), PATIENT);
    for (const each of [record(1), betaRecord(2)]) expect((await announce(callbacks, each)).status).toBe(200);
    answer();
    expect(await outcomeOf(client)).toEqual([200, "answered", "close"]);
    await stopped;
    await expect(announce(callbacks, record(3))).rejects.toThrow("ECONNREFUSED");
  });

  it("answers what OCS writes on an idle connection while the callbacks' listener ends", LONG, async () => {
    const gateway = await start({ callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } });
    const port = Number(new URL(gateway.gateway.callbacks["ocs"]!).port);
    const post = (handle: number): string => {
      const body = JSON.stringify(record(handle));
      const type = "Content-Type: application/json";
      return ["POST / HTTP/1.1", "Host: localhost", type, `Content-Length: ${body.length}`, "", body].join("\r\n");
    };
    const client = await rawClient(port);
    closing.push(client.close);
    await client.send(post(1));
    expect((await client.reply()).status).toBe(200);
    const stopped = gateway.gateway.stop("test");
    await vi.waitFor(() => expect(rawClient(port)).rejects.toThrow("ECONNREFUSED"), PATIENT);
    await client.send(post(2));
    const { status, headers } = await client.reply();
    expect([status, headers["connection"]]).toEqual([200, "close"]);
    await stopped;
  });
});
