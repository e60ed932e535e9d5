import { describe, expect, it } from "vitest";
import { RecoveryScan } from "../../../../src/journal/write/recovery/recovery-scan.ts";

const TIME = "2026-11-22T12:04:31.218123Z";

const trailOf = (...lines: readonly string[]): RecoveryScan => {
  const trail = new RecoveryScan();
  for (const [index, rest] of lines.entries()) {
    const line = Buffer.from(`{"index":${index},"time":"${TIME}",${rest}}`);
    trail.add(line, 0, line.length, index);
  }
  return trail;
};

describe("in the recovery scan,", () => {
  it.each(["in-doubt", "doubt", "outcome", "abandoned"])("an entry of kind %s ends its intent", (kind) => {
    const trail = trailOf('"kind":"intent","id":"A"', '"kind":"intent","id":"B"', `"kind":"${kind}","id":"A"`);
    expect([...trail.open]).toEqual([["B", 1]]);
  });

  it.each(["deleted", "retired"])("an entry of kind %s states what was deleted, and the last numbers", (kind) => {
    const trail = trailOf(`"kind":"${kind}","from":0,"to":40,"segments":[],"youngest":"${TIME}","dnc":{"101":17}`);
    expect(trail.deleted).toMatchObject({ kind: "deleted", to: 40 });
    expect(trail.numbers.all()).toEqual({ 101: 17 });
  });
});
