import { describe, expect, it } from "vitest";
import { readTarget, writeTarget } from "../../src/ocs/target.ts";

describe("readTarget", () => {
  it("reads the manual's absolute form and writes origin form", () => {
    expect(writeTarget(readTarget("POST", "http://ocs.us.int.genesyslab.com:8080/records/15?req=RecordProcessed"))).toBe("/records/15?req=RecordProcessed");
  });
});
