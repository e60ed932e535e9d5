import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const corpora = new URL("../../../shared/corpora/", import.meta.url);
const absent = !existsSync(corpora) && process.env.CI !== "true";

type Payload = { readonly id: string; readonly pieces: readonly Buffer[] };

const lines = (file: string): Record<string, unknown>[] =>
  readFileSync(new URL(file, corpora), "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);

const raw = (file: string): Payload[] =>
  lines(file).map((row, index) => ({ id: typeof row.id === "string" ? row.id : `${index}`, pieces: [row.raw_b64].flat().map((text) => Buffer.from(String(text), "base64")) }));

/** Each gadget as the header of a request whose body smuggles a second one. */
const gadgets = (): Payload[] =>
  lines("smuggling-gadgets/gadgets.jsonl").filter(({ dup }) => dup !== true).filter((_, index) => index % 4 === 0).map((row, index) => {
    const smuggled = `0\r\n\r\nPOST /records/41?req=RecordReject HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic("beta")}\r\nContent-Length: 0\r\n\r\n`;
    const header = Buffer.from(String(row.header_b64), "base64").toString("latin1").replace("{N}", String(smuggled.length));
    const length = row.target === "Content-Length" ? "" : `Content-Length: ${smuggled.length}\r\n`;
    return { id: `${String(row.name)} ${index}`, pieces: [Buffer.from(`POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\n${length}${header}\r\n\r\n${smuggled}`, "latin1")] };
  });

let ocs: RawOcs;
let gateway: TestGateway;
beforeAll(async () => {
  ocs = await rawOcs();
  gateway = await aGateway(twoTenants(ocs.url));
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

/** Sends the pieces, reads whatever comes for a moment, hangs up. */
const play = ({ pieces }: Payload): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ port: gateway.port, host: "127.0.0.1" });
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    };
    const timer = setTimeout(end, 150);
    socket.on("error", end).on("close", end).on("data", () => undefined);
    socket.on("connect", () => {
      for (const piece of pieces) socket.write(piece);
    });
  });

const playAll = async (payloads: readonly Payload[]): Promise<void> => {
  const queue = [...payloads];
  await Promise.all(Array.from({ length: 32 }, async () => {
    for (let next = queue.pop(); next; next = queue.pop()) await play(next);
  }));
};

const credited = (payloads: readonly Payload[]): Payload[] =>
  payloads.map(({ id, pieces }) => {
    const text = Buffer.concat(pieces).toString("latin1");
    const end = text.indexOf("\r\n");
    return { id, pieces: [Buffer.from(end < 0 ? text : `${text.slice(0, end + 2)}Authorization: ${basic("alpha")}\r\nHost: localhost\r\n${text.slice(end + 2)}`, "latin1")] };
  });

describe.skipIf(absent)("payloads that others collected", () => {
  it.each([
    ["http-garden", () => raw("http-garden/payloads.jsonl"), 76],
    ["llhttp requests", () => raw("llhttp/requests.jsonl"), 166],
    ["gunicorn requests", () => raw("gunicorn-requests/requests.jsonl"), 137],
  ] as const)("%s: not one byte reaches OCS, with a credential and without", async (_name, load, count) => {
    const payloads = load();
    expect(payloads).toHaveLength(count);
    await playAll(payloads);
    await playAll(credited(payloads));
    expect(ocs.bytes()).toBe("");
  });

  it("smuggling gadgets, with a credential and without: not one byte reaches OCS", async () => {
    const payloads = gadgets();
    expect(payloads.length).toBeGreaterThan(400);
    await playAll(payloads);
    await playAll(credited(payloads).map(({ id, pieces }) => ({ id, pieces: [Buffer.from(pieces[0]!.toString("latin1").replace("Host: localhost\r\n", ""), "latin1")] })));
    expect(ocs.bytes()).toBe("");
  });

  it("a client that comes after all that gets its own answer", async () => {
    const reply = await fetch(`${gateway.url}/phones/4155550123?req=DoNotCall`, { method: "POST", headers: { authorization: basic("alpha") } });
    expect([reply.status, reply.headers.get("ocsgw-origin")]).toEqual([200, "ocs"]);
    expect(ocs.requests()).toBe(1);
  });
});
