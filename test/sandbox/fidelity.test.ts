import { describe, expect, it } from "vitest";
import { ASSUMED } from "../../src/sandbox/assumptions.ts";
import { NEGATIVE_ANSWERS } from "../../src/sandbox/negative-answers.ts";
import { KIND_NAMES, kindOf } from "../../src/sandbox/faults/kinds.ts";
import { FIDELITY, renderFidelity } from "../../src/sandbox/fidelity.ts";

describe("the fidelity table", () => {
  it("has every condition and every assumed value, and no duplicate topic", () => {
    const topics = FIDELITY.map(({ topic }) => topic);
    for (const condition of Object.keys(NEGATIVE_ANSWERS)) expect(topics).toContain(`answer: ${condition}`);
    for (const { topic } of Object.values(ASSUMED)) expect(topics).toContain(topic);
    expect(new Set(topics).size).toBe(topics.length);
  });

  it("lists the assumptions of faults, all with the basis assumed", () => {
    const faults = FIDELITY.filter(({ topic }) => topic.startsWith("fault: "));
    const assuming = KIND_NAMES.filter((name) => kindOf(name).assumes !== undefined);
    expect(faults.map(({ topic, basis }) => [topic, basis])).toEqual(
      assuming.map((name) => [`fault: ${name}`, "assumed"]),
    );
    expect(assuming).toEqual(
      expect.arrayContaining([
        "switchover",
        "both-down",
        "stale",
        "db-down",
        "half-close",
        "stall",
        "close-idle",
        "reject-second",
      ]),
    );
  });

  it("attributes only 112 and the second Load to the manual", () => {
    const answers = FIDELITY.filter(({ topic, basis }) => topic.startsWith("answer: ") && basis === "manual");
    expect(answers.map(({ behaviour }) => behaviour)).toEqual([
      "410, Warning 112, No call found for the record handle",
      "409, Warning 5, no body",
    ]);
  });

  it("uses own numbers, different from Genesys's, one per condition", () => {
    const ours = Object.values(NEGATIVE_ANSWERS)
      .map(({ warning }) => warning)
      .filter((warning) => warning !== undefined && warning > 9000);
    expect(new Set(ours).size).toBe(ours.length);
    for (const { warning } of Object.values(NEGATIVE_ANSWERS))
      expect(warning === undefined || warning <= 17 || warning === 112 || warning > 9000).toBe(true);
  });

  it("prints every row below its basis", () => {
    const lines = renderFidelity().split("\n");
    expect(lines.filter((line) => line.startsWith("  "))).toHaveLength(FIDELITY.length);
    expect(lines.filter((line) => /^\S/.test(line))).toEqual(["manual", "genesys material", "assumed"]);
    expect(lines.findIndex((line) => line.includes("stale timeout"))).toBeGreaterThan(lines.indexOf("assumed"));
  });
});
