import { createServer, type AddressInfo } from "node:net";
import fc from "fast-check";
import { request } from "undici";
import { describe, expect, it } from "vitest";
import { AnswerReader } from "../../../src/upstream/http/answer-reader.ts";

type Read = {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly isComplete: boolean;
  readonly hasSurplus: boolean;
  readonly fault: string | undefined;
};

/** In pieces that end before these places; the pieces are lent, and overwritten as soon as they are read. */
const read = (text: string, cuts: readonly number[] = []): Read => {
  const reader = new AnswerReader();
  const places = [0, ...[...cuts].sort((one, other) => one - other), text.length];
  let fault: string | undefined;
  for (let index = 1; index < places.length && fault === undefined; index++) {
    const piece = Buffer.from(text.slice(places[index - 1], places[index]), "latin1");
    try {
      if (piece.length > 0) reader.read(piece);
    } catch (error) {
      fault = (error as Error).message;
    }
    piece.fill("#");
  }
  const { head, body, isComplete, hasSurplus } = reader;
  return {
    status: head?.status ?? 0,
    headers: head?.headers ?? [],
    body: Buffer.from(body).toString("latin1"),
    isComplete,
    hasSurplus,
    fault,
  };
};

const of = (characters: string): fc.Arbitrary<string> => fc.constantFrom(...characters.split(""));
const token = fc.string({ unit: of("abcXYZ019-_"), minLength: 1, maxLength: 12 });
const value = fc.string({ unit: of('abc XYZ\t019;,="é'), maxLength: 20 });
const body = fc.string({ unit: of("ab{}\r\n\0 é0"), maxLength: 60 });
const chunksOf = (text: string): string => {
  const chunks = (text.match(/[^]{1,7}/g) ?? []).map((chunk) => {
    const extension = chunk.length % 2 === 0 ? ";x=y" : "";
    return `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`;
  });
  const trailer = text.length % 2 === 0 ? "Warning: 5\r\n" : "";
  return `${chunks.join("")}0\r\n${trailer}\r\n`;
};
const wellFormed = fc
  .record({
    status: fc.constantFrom(200, 400, 404, 409, 410, 500, 503),
    headers: fc.array(
      fc.tuple(
        token.filter((name) => !/^(content-length|transfer-encoding|connection)$/i.test(name)),
        value,
      ),
      { maxLength: 6 },
    ),
    body,
    chunked: fc.boolean(),
  })
  .map(({ status, headers, body: text, chunked }) => {
    const lines = headers.map(([name, each]) => `${name}: ${each}\r\n`).join("");
    const framing = chunked ? "Transfer-Encoding: chunked" : `Content-length: ${text.length}`;
    return {
      status,
      body: text,
      text: `HTTP/1.1 ${status} Reason\r\n${lines}${framing}\r\n\r\n${chunked ? chunksOf(text) : text}`,
    };
  });
const cuts = fc.array(fc.nat(400), { maxLength: 12 });

describe("an answer read from bytes", () => {
  it("is the same in any pieces", () => {
    fc.assert(
      fc.property(wellFormed, cuts, ({ text, status, body: expected }, places) => {
        const within = places.filter((place) => place < text.length);
        const whole = read(text);
        expect(whole).toMatchObject({ status, body: expected, isComplete: true, hasSurplus: false, fault: undefined });
        expect(read(text, within)).toEqual(whole);
      }),
      { numRuns: 400 },
    );
  });

  it("is not complete before its last byte, and has surplus with any byte after that", () => {
    fc.assert(
      fc.property(wellFormed, fc.nat(400), ({ text }, cut) => {
        expect(read(text.slice(0, Math.min(cut, text.length - 1)))).toMatchObject({
          isComplete: false,
          fault: undefined,
        });
        expect(read(`${text}H`)).toMatchObject({ isComplete: true, hasSurplus: true });
        expect(read(`${text}H`, [text.length])).toMatchObject({ isComplete: true, hasSurplus: true });
      }),
      { numRuns: 200 },
    );
  });

  it("with one changed byte has the same result in any pieces", () => {
    fc.assert(
      fc.property(
        wellFormed,
        fc.nat(400),
        fc.constantFrom("\r", "\n", "\0", " ", ":", "x", "é", ""),
        cuts,
        ({ text }, at, byte, places) => {
          const place = at % text.length;
          const broken = text.slice(0, place) + byte + text.slice(place + 1);
          const { status, isComplete, hasSurplus, fault } = read(broken);
          const inPieces = read(
            broken,
            places.filter((each) => each < broken.length),
          );
          expect({
            status: inPieces.status,
            isComplete: inPieces.isComplete,
            hasSurplus: inPieces.hasSurplus,
            refused: inPieces.fault !== undefined,
          }).toEqual({ status, isComplete, hasSurplus, refused: fault !== undefined });
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("is read the same by another HTTP client", async () => {
    let text = "";
    const server = createServer((socket) =>
      socket.once("data", () => socket.end(text, "latin1")).on("error", () => undefined),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await fc.assert(
        fc.asyncProperty(wellFormed, async (answer) => {
          ({ text } = answer);
          const theirs = await request(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
            method: "POST",
            body: "{}",
            reset: true,
          });
          const bytes = Buffer.from(await theirs.body.arrayBuffer()).toString("latin1");
          const ours = read(text);
          expect({ status: ours.status, body: ours.body }).toEqual({ status: theirs.statusCode, body: bytes });
          const named = Object.entries(theirs.headers).map(([name, values]) => [
            name,
            [values]
              .flat()
              .map((each) => each!.trim())
              .join(", "),
          ]);
          expect(Object.fromEntries(ours.headers)).toEqual(Object.fromEntries(named));
        }),
        { numRuns: 100 },
      );
    } finally {
      server.close();
    }
  });

  it("has no head before its header block is complete, and then the time for which OCS keeps the connection", () => {
    const reader = new AnswerReader();
    reader.read(Buffer.from("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nContent-length: 0\r\n\r"));
    expect(reader.head).toBeUndefined();
    reader.read(Buffer.from("\n"));
    expect(reader).toMatchObject({ isComplete: true, head: { status: 200, keepAliveMs: 5000 } });
  });

  it.each([
    ["more than 4 MiB", `HTTP/1.1 410 Gone\r\nContent-length: 9999999\r\n\r\n${"x".repeat(4 << 20)}`],
    [
      "a chunk that is longer than its size",
      "HTTP/1.1 410 Gone\r\nTransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    ],
    ["an invalid chunk size", "HTTP/1.1 410 Gone\r\nTransfer-encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n"],
    [
      "a line between chunks that does not end",
      `HTTP/1.1 410 Gone\r\nTransfer-encoding: chunked\r\n\r\n${"0".repeat(2000)}`,
    ],
    ["an invalid trailer", "HTTP/1.1 410 Gone\r\nTransfer-encoding: chunked\r\n\r\n0\r\nWarning 5\r\n\r\n"],
  ])("is refused with %s, and its status stays known", (_what, text) => {
    expect(read(text)).toMatchObject({ status: 410, isComplete: false, fault: expect.any(String) as string });
  });

  it.each([
    ["a bare line feed", "HTTP/1.1 200 OK\nContent-length: 0\r"],
    ["a bare carriage return", "HTTP/1.1 200 OK\r\nWarning: 1\rx"],
    ["another protocol", "SSH-2.0-OpenSSH"],
    ["a header block without end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(17_000)}`],
  ])("is refused as soon as it begins with %s", (_what, text) => {
    expect(read(text).fault).toEqual(expect.any(String));
    expect(
      read(
        text,
        Array.from({ length: Math.min(text.length, 40) }, (_each, index) => index),
      ).fault,
    ).toEqual(expect.any(String));
  });
});
