import { afterEach, expect, it, vi } from "vitest";
import { auditVerify } from "../../../src/cli/audit/output/verify-report.ts";

afterEach(() => vi.restoreAllMocks());

it("audit verify says what was expected for a --key that is neither a key nor a file", async () => {
  let said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  expect(await auditVerify(".", { key: "nope" })).toBe(8);
  expect(said).toBe(
    "CANNOT TELL  --key: nope is neither a verifier key (name+8 hex digits+base64) nor a file that can be read " +
      "(there is no such file)\n",
  );
});
