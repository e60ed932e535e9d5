import { afterEach, describe, expect, it, vi } from "vitest";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { Connection } from "../../../src/upstream/lanes/connection.ts";
import { OK, rawOcs, type RawConnection, type RawOcs, type RawOptions } from "../../kit/raw-ocs.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const authority = createAuthority("OCS's authority");
const certificate = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
const ways: readonly [string, RawOptions][] = [
  ["plain", {}],
  ["TLS", { tls: certificate }],
];

type Answered = { readonly ocs: RawOcs; readonly wire: Connection; readonly answered: () => Promise<boolean> };

/** `answered` resolves with the next bytes that come: whether all that was written had left by then. */
const connected = async (options: RawOptions): Promise<Answered> => {
  const ocs = await rawOcs(() => OK, options);
  const ready = Promise.withResolvers<void>();
  let next = Promise.withResolvers<boolean>();
  const endpoint = { origin: ocs.url, tls: { ca: authority.certPem }, connectTimeout: 5000 };
  const wire: Connection = new Connection(endpoint, {
    onReady: ready.resolve,
    onFailed: ready.reject,
    onEnd: () => next.reject(new Error("gone")),
    onBytes: () => next.resolve(wire.isFlushed),
  });
  stops.push(ocs.close, () => wire.destroy());
  await ready.promise;
  return { ocs, wire, answered: () => (next = Promise.withResolvers<boolean>()).promise };
};

const requestOf = (bytes: number): string =>
  `POST /x HTTP/1.1\r\nContent-length: ${bytes}\r\n\r\n${"é".repeat(bytes / 2)}`;

describe.each(ways)("what was written over %s", (_name, options) => {
  it.each([0, 300, 17_000, 200_000, 4_000_000])(
    "has left when OCS answers a request of %d bytes at once, each time",
    async (bytes) => {
      const { wire, answered } = await connected(options);
      const flushed: boolean[] = [];
      for (let round = 0; round < (bytes > 1e5 ? 5 : 200); round++) {
        const answer = answered();
        wire.write(requestOf(bytes));
        flushed.push(await answer);
        await new Promise(setImmediate);
      }
      expect(flushed.filter((each) => !each)).toEqual([]);
    },
  );

  it.each([1, 2])("has not left while OCS answers without reading: request %d of the connection", async (which) => {
    let reluctant: RawConnection | undefined;
    const { ocs, wire, answered } = await connected({
      ...options,
      tasted: (connection) => {
        if (reluctant || connection.requests < which - 1) return;
        reluctant = connection;
        connection.socket.pause().write("early");
      },
    });
    for (let earlier = 1; earlier < which; earlier++) {
      const answer = answered();
      wire.write(requestOf(300));
      await answer;
      await new Promise(setImmediate);
    }
    const early = answered();
    wire.write(requestOf(10_000_000));
    expect(await early).toBe(false);
    const last = answered();
    reluctant!.socket.resume();
    expect(await last).toBe(true);
    expect(ocs.requests()).toBe(which);
  });

  it("has left once the kernel has taken it, without any answer", async () => {
    const { ocs, wire } = await connected({ ...options });
    ocs.script = () => undefined;
    wire.write(requestOf(300));
    expect(wire.isFlushed).toBe(true);
    await vi.waitFor(() => expect(ocs.requests()).toBe(1));
  });
});
