import { describe, expect, it } from "vitest";
import { forEachLine } from "../../../src/journal/read/read-lines.ts";

/** A file in memory, which gives at most `most` bytes at once. */
const fileOf = (bytes: Buffer, most = bytes.length) => ({
  read: (into: Uint8Array, position: number): Promise<number> =>
    Promise.resolve(bytes.copy(into, 0, position, Math.min(bytes.length, position + most))),
});

const KIB = 1024;
const MIB = KIB * KIB;
const lines = (...lengths: readonly number[]): string[] => lengths.map((length, at) => String(at % 10).repeat(length));

describe("a file's lines", () => {
  it.each([
    ["none", []],
    ["short ones and empty ones", lines(1, 0, 5, 0)],
    ["as long as the first chunk, without and with the end of the line", lines(64 * KIB - 1, 64 * KIB, 64 * KIB + 1)],
    ["longer than the first chunk, between short ones", lines(3, 100 * KIB, 3, 300 * KIB, 3)],
    ["longer than the largest chunk", lines(3, 5 * MIB, 3, MIB - 1, MIB)],
    ["many in several chunks", lines(...Array.from({ length: 3000 }, (_, at) => at % 997))],
  ])("are read whole and in order: %s", async (_what, written) => {
    const bytes = Buffer.from(written.map((line) => `${line}\n`).join(""));
    for (const [most, incomplete] of [
      [undefined, ""],
      [50_000, "incomplete"],
    ] as const) {
      const read: string[] = [];
      const file = fileOf(Buffer.concat([bytes, Buffer.from(incomplete)]), most);
      const length = await forEachLine(file, (buffer, start, end) => {
        read.push(buffer.toString("latin1", start, end));
        // The byte before a line may be overwritten.
        buffer[start - 1] = 0;
        return undefined;
      });
      expect(length).toBe(bytes.length);
      expect(read.map((line) => line.length)).toEqual(written.map((line) => line.length));
      expect(read.join("\n") === written.join("\n")).toBe(true);
    }
  });

  it("are read from a position up to the line at which reading stops", async () => {
    const bytes = Buffer.from("one\ntwo\nthree\nfour\n");
    const read: string[] = [];
    const length = await forEachLine(
      fileOf(bytes),
      (buffer, start, end) => read.push(buffer.toString("latin1", start, end)) < 2,
      4,
    );
    expect([read, length]).toEqual([["two", "three"], 8]);
  });
});
