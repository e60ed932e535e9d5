import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compressedPart, GzipStream, storedPart, type GzipPart } from "../../src/common/gzip-parts.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const rows = bytes(JSON.stringify(Array.from({ length: 500 }, (_each, at) => ({ at, action: "DoNotCall" }))));
const noise = Uint8Array.from({ length: 200_000 }, (_each, at) => (at * 7919 + (at >> 3) * 31) % 256);

const streamOf = (parts: readonly GzipPart[]): Buffer => {
  const stream = new GzipStream();
  return Buffer.concat([...parts.map((part) => stream.add(part)), stream.end()]);
};

describe("a gzip stream of parts", () => {
  it.each<[string, readonly Uint8Array[]]>([
    ["nothing", []],
    ["an empty part", [new Uint8Array(0)]],
    ["one byte", [bytes("x")]],
    ["text beyond ASCII", [bytes("Zürich ··01 ✖"), bytes("")]],
    ["many parts of different lengths", [bytes("a"), rows, bytes("bc"), noise, rows, noise.subarray(0, 65_536)]],
  ])("unpacks to what went in, with a valid checksum: %s", (_what, plain) => {
    for (const partOf of [compressedPart, storedPart])
      expect(gunzipSync(streamOf(plain.map(partOf)))).toEqual(Buffer.concat(plain));
    const mixed = plain.map((each, at) => (at % 2 === 0 ? compressedPart(each) : storedPart(each)));
    expect(gunzipSync(streamOf(mixed))).toEqual(Buffer.concat(plain));
  });

  it("takes one part into several streams, wherever it comes in each", () => {
    const shared = compressedPart(rows);
    for (const before of [[], [bytes("begin")], [rows, bytes("x")]])
      expect(gunzipSync(streamOf([...before.map(storedPart), shared]))).toEqual(Buffer.concat([...before, rows]));
  });

  it("makes rows much smaller", () => {
    expect(compressedPart(rows).bytes.length).toBeLessThan(rows.length / 4);
  });
});
