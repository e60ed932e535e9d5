import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedAnswer, ResponseReader, type Answer } from "../../src/client/response-reader.ts";

type Framing = "length" | "chunked" | "until-close";

const encoded = (status: number, body: string, framing: Framing, sizes: readonly number[]): Buffer => {
  const bytes = Buffer.from(body);
  const head = (header: string): string => `HTTP/1.1 ${status} Reason\r\n${header}X-Name: value: with colon\r\n\r\n`;
  if (framing === "length") return Buffer.concat([Buffer.from(head(`Content-Length: ${bytes.length}\r\n`)), bytes]);
  if (framing === "until-close") return Buffer.concat([Buffer.from(head("")), bytes]);
  const chunks = pieces(bytes, sizes).filter(({ length }) => length > 0);
  const parts = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([Buffer.from(head("Transfer-Encoding: chunked\r\n")), ...parts, Buffer.from("0\r\n\r\n")]);
};

/** The bytes cut after these lengths, again and again. */
const pieces = (bytes: Buffer, sizes: readonly number[]): Buffer[] => {
  const cut: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length]!;
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
};

const read = (parts: readonly Buffer[]): Answer | undefined => {
  const reader = new ResponseReader();
  for (const part of parts) {
    const answer = reader.push(part);
    if (answer) return answer;
  }
  return reader.end();
};

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
const status = fc.constantFrom(200, 400, 410, 429, 503);

describe("an answer of HTTP/1.1", () => {
  it.each<Framing>(["length", "chunked", "until-close"])("by %s is the same in whatever pieces it comes", (framing) => {
    fc.assert(
      fc.property(status, fc.string({ unit: "grapheme", maxLength: 200 }), sizes, sizes, (code, body, chunked, cut) => {
        const answer = read(pieces(encoded(code, body, framing, chunked), cut))!;
        expect([answer.status, answer.body, answer.headers.get("x-name")]).toEqual([code, body, "value: with colon"]);
        expect(answer.keepsOpen).toBe(framing !== "until-close");
      }),
      { numRuns: 200 },
    );
  });

  it.each<Framing>(["length", "chunked"])("by %s that is cut anywhere is no answer", (framing) => {
    fc.assert(
      fc.property(status, fc.string({ maxLength: 50 }), sizes, fc.nat(), (code, body, chunked, end) => {
        const whole = encoded(code, body, framing, chunked);
        const part = whole.subarray(0, end % whole.length);
        if (part.length === 0) expect(read([part])).toBeUndefined();
        else expect(() => read([part])).toThrow(MalformedAnswer);
      }),
      { numRuns: 200 },
    );
  });

  it("is an answer, none yet, or malformed, whatever the bytes are", () => {
    const parts = fc.constantFrom(
      "HTTP/1.1 200 OK\r\n",
      "\r\n",
      "Content-Length: 3\r\n",
      "Transfer-Encoding: chunked\r\n",
      "3\r\nabc\r\n",
      "0\r\n",
      "abc",
      "\0",
      "HTTP/1.1 100 x\r\n\r\n",
      ": x\r\n",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), sizes, (texts, cut) => {
        try {
          const answer = read(pieces(Buffer.from(texts.join("")), cut));
          expect(answer === undefined || answer.status >= 200).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedAnswer);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("in millions of chunks is read without reading any twice", () => {
    const reader = new ResponseReader();
    const chunks = Buffer.from("1\r\na\r\n".repeat(5_000));
    reader.push(Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    const started = process.cpuUsage();
    for (let round = 0; round < 60; round++) expect(reader.push(chunks)).toBeUndefined();
    expect(reader.push(Buffer.from("0\r\n\r\n"))?.body).toHaveLength(300_000);
    // Read from the beginning with each piece, these take ten times as long.
    expect(process.cpuUsage(started).user).toBeLessThan(3_000_000);
  });

  it.each([
    ["a header block", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`],
    ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"],
  ])("has a limit: %s that is too large is malformed", (_, text) => {
    expect(() => read([Buffer.from(text)])).toThrow(/too large/);
  });
});
