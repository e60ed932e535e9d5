import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import type { UpstreamError } from "../../../src/upstream/types.ts";
import { Lane } from "../../../src/upstream/lanes/lane.ts";
import { OK, rawOcs } from "../../kit/raw-ocs.ts";
import {
  CHUNKS,
  DROP,
  END,
  ENDINGS,
  HEADS,
  LENGTHS,
  RESET,
  STATUSES,
  SURPLUS,
  WHOLE,
  type Outcome,
  type Row,
} from "./contract.ts";
import { aSwitchboard, markedAnswer, markOf, play, request } from "./contract-play.ts";

const authority = createAuthority("OCS's authority");
const ours = { ...authority.issue({ names: ["127.0.0.1", "localhost"], usage: "serverAuth" }), ca: authority.certPem };

describe.each([
  ["plain", undefined],
  ["TLS", ours],
] as const)("what OCS may answer over %s", (_name, tls) => {
  describe.each([
    ["whole answers", WHOLE],
    ["surplus bytes", SURPLUS],
    ["lengths", LENGTHS],
    ["chunks", CHUNKS],
    ["statuses and versions", STATUSES],
    ["header blocks", HEADS],
    ["endings", ENDINGS],
  ] as const)("%s", (_group, rows) => {
    it.concurrent.each<Row>(rows)("$name", async ({ steps, method, first, body, connection, inOrder, deadline }) => {
      const played = await play({ steps, method, inOrder, tls, deadline: deadline ? 250 : 10_000 });
      expect(played).toMatchObject({
        outcome: first,
        sent: true,
        marks: ["2", "3"],
        ...(body !== undefined && { body }),
      });
      const [one, two, three] = [1, 2, 3].map((number) => played.on.get(number));
      expect(three === one).toBe(connection === "kept");
      if (connection !== "later") expect(two === one).toBe(connection === "kept");
    });
  });
});

describe.each([
  ["plain", undefined],
  ["TLS", ours],
] as const)("a connection that ends over %s", (_name, tls) => {
  const gone = "HTTP/1.1 410 Gone\r\nWarning: 112\r\nContent-length: 9\r\n\r\n410 Gone.";
  const headLength = gone.indexOf("\r\n\r\n") + 4;
  const expected = (offset: number): Outcome =>
    offset === 0 ? "connection-lost" : offset < headLength ? "malformed-response" : 410;

  it.concurrent.each([END, DROP, RESET])(
    "by $does at any byte of the answer has the status once the header block is complete",
    async (ending) => {
      const offsets = Array.from({ length: gone.length }, (_, offset) => offset);
      const ends = await Promise.all(
        offsets.map(async (offset) => {
          const { outcome, sent, marks, on } = await play({
            steps: [gone.slice(0, offset), 20, ending],
            inOrder: true,
            deadline: 10_000,
            tls,
          });
          return { offset, outcome, sent, marks, reused: on.get(2) === on.get(1) };
        }),
      );
      expect(ends).toEqual(
        offsets.map((offset) => ({ offset, outcome: expected(offset), sent: true, marks: ["2", "3"], reused: false })),
      );
    },
  );
});

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const lane = (origin: string, ca?: string): Lane => {
  const it = new Lane("ocs/1", {
    endpoint: { origin, tls: ca === undefined ? {} : { ca }, connectTimeout: 5000 },
    answerTimeout: () => 5000,
    userAgent: "ocs-gateway/test",
    onePerTenant: true,
  });
  stops.push(() => it.close());
  return it;
};

describe("a lane under suspicion", () => {
  it("runs five exchanges in a row on one connection", async () => {
    const ocs = await rawOcs(({ head }) => markedAnswer(head));
    stops.push(ocs.close);
    const switchboard = aSwitchboard(ocs.url, 5000);
    stops.push(() => switchboard.close());
    const marks: (string | undefined)[] = [];
    for (const number of [1, 2, 3, 4, 5]) marks.push(markOf(await switchboard.send(request(number))));
    expect({ marks, connections: ocs.connections.length }).toEqual({
      marks: ["1", "2", "3", "4", "5"],
      connections: 1,
    });
  });

  it("never gives one tenant a late, well-formed answer to another", async () => {
    const ocs = await rawOcs(({ head, connection }) => {
      if (connection.number === 1) return markedAnswer(head);
      ocs.connections[0]!.socket.write(OK);
      return markedAnswer(head);
    });
    stops.push(ocs.close);
    const it = lane(ocs.url);
    expect(markOf(await it.exchange(request(1)))).toBe("1");
    const next = it.exchange(request(2, "POST", "Beta"));
    ocs.connections[0]!.socket.write(OK);
    expect(markOf(await next)).toBe("2");
    expect(ocs.connections.map(({ requests }) => requests)).toEqual([1, 1]);
  });

  it.each([
    ["plain", undefined],
    ["TLS", ours],
  ] as const)(
    "does not reuse a connection over %s whose answer was complete before its request had left",
    async (_name, tls) => {
      let tasted = false;
      const ocs = await rawOcs(({ head }) => markedAnswer(head), {
        ...(tls && { tls }),
        tasted: ({ number, socket }) => {
          if (number !== 1 || tasted) return;
          tasted = true;
          socket.pause().write("HTTP/1.1 400 Bad Request\r\nContent-length: 0\r\n\r\n");
        },
      });
      stops.push(ocs.close);
      const it = lane(ocs.url, tls?.ca);
      expect((await it.exchange({ ...request(1), body: `"${"x".repeat(32 << 20)}"` })).status).toBe(400);
      expect(it.state.name).toBe("idle");
      expect((await it.exchange(request(2))).status).toBe(200);
      expect(ocs.connections).toHaveLength(2);
    },
  );

  it("reports nothing sent when OCS sends bytes first, and uses a new connection", async () => {
    const ocs = await rawOcs(({ head }) => markedAnswer(head));
    stops.push(ocs.close);
    const it = lane(ocs.url);
    await it.exchange(request(1));
    ocs.connections[0]!.socket.write(OK);
    const second = it.exchange(request(2));
    expect(
      markOf(
        await second.catch(
          (reason: UpstreamError) => (
            expect(reason).toMatchObject({ reason: "unreachable", sent: false }),
            it.exchange(request(2))
          ),
        ),
      ),
    ).toBe("2");
    expect(ocs.connections.map(({ requests }) => requests)).toEqual([1, 1]);
  });

  it("sends a request once, on a new connection, when OCS has closed the idle one", async () => {
    const ocs = await rawOcs(({ head }) => markedAnswer(head));
    stops.push(ocs.close);
    const it = lane(ocs.url);
    await it.exchange(request(1));
    ocs.connections[0]!.socket.end();
    expect(markOf(await it.exchange(request(2)))).toBe("2");
    expect(ocs.connections.map(({ requests }) => requests)).toEqual([1, 1]);
  });

  it.each(["/records/1\r\nX: y", "/records/1 HTTP/1.1", "records/1", "/records/é"])(
    "sends nothing of a request whose path would end the request line: %j",
    async (path) => {
      const ocs = await rawOcs();
      stops.push(ocs.close);
      const it = lane(ocs.url);
      await it.exchange(request(1));
      const before = ocs.bytes();
      await expect(it.exchange({ ...request(2), path })).rejects.toMatchObject({ reason: "unreachable", sent: false });
      expect(await it.exchange(request(3))).toMatchObject({ status: 200 });
      expect(ocs.bytes().slice(before.length)).toMatch(/^POST \/records\/3\?/);
    },
  );

  it("reports whether a request was sent when OCS closes each connection at once, and repeats none", async () => {
    const ocs = await rawOcs(() => undefined, { arrived: ({ socket }) => void socket.end() });
    stops.push(ocs.close);
    const reason = await lane(ocs.url)
      .exchange(request(1))
      .catch((error: unknown) => error as UpstreamError);
    expect(reason).toMatchObject({ reason: (reason as UpstreamError).sent ? "connection-lost" : "unreachable" });
    expect([0, (reason as UpstreamError).sent ? 1 : 0]).toContain(ocs.requests());
  });

  it("sends nothing on a new connection on which OCS sends bytes first", async () => {
    const ocs = await rawOcs(() => OK, { arrived: ({ socket }) => void socket.write(OK) });
    stops.push(ocs.close);
    await expect(lane(ocs.url).exchange(request(1))).rejects.toMatchObject({ reason: "unreachable", sent: false });
    expect(ocs.bytes()).toBe("");
  });
});
