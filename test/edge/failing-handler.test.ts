/** A handler that fails ends the connection of its request, and nothing else. */
import { afterEach, describe, expect, it } from "vitest";
import type { Handler } from "../../src/common/message.ts";
import { listen, type Listener } from "../../src/edge/listener.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { rawClient } from "../kit/raw-client.ts";

const authority = createAuthority("test");
const leaf = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
const TLS = {
  cert: leaf.certPem,
  key: leaf.keyPem,
  minVersion: "1.2" as const,
  clientCa: undefined,
  clientCertificates: "none" as const,
};

const stops: (() => Promise<unknown> | void)[] = [];
const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
afterEach(async () => {
  process.off("unhandledRejection", note);
  for (const stop of stops.splice(0).reverse()) await stop();
});

const open = async (handler: Handler, isTls: boolean): Promise<Listener> => {
  const listener = await listen(
    {
      name: "clients",
      host: "127.0.0.1",
      port: 0,
      tls: isTls ? TLS : undefined,
      names: [],
      allowFrom: undefined,
      maxBody: 1024,
    },
    handler,
  );
  stops.push(() => listener.stop(100));
  return listener;
};

const GOOD = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const GARBAGE = "no request\r\n\r\n";
const OK = { status: 200, headers: [], body: new Uint8Array() };

describe("a handler that fails", () => {
  it.each<{ name: string; bytes: string; isTls?: boolean; fails: (number: number) => boolean }>([
    { name: "for a request", bytes: GOOD, fails: () => true },
    { name: "for a request with a fault", bytes: GOOD.replace("127.0.0.1", "foreign.example"), fails: () => true },
    { name: "for bytes that are no request", bytes: GARBAGE, fails: () => true },
    { name: "for such bytes behind a request", bytes: GOOD + GARBAGE, fails: (number) => number > 1 },
    { name: "for clear text on a TLS port", bytes: GOOD, isTls: true, fails: () => true },
  ])("$name closes the connection", async ({ bytes, isTls = false, fails }) => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
    let count = 0;
    const listener = await open(async () => {
      if (fails(++count)) throw new Error("the test's handler fails");
      return OK;
    }, isTls);
    const client = await rawClient(listener.port);
    stops.push(client.close);
    await client.send(bytes);
    await expect.poll(() => listener.connectionCount().open, { timeout: 3000 }).toBe(0);
    expect(count).toBe(fails(1) ? 1 : 2);
    expect(unhandled).toEqual([]);
  });
});
