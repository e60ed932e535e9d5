import { afterEach, expect, it, vi } from "vitest";
import { auditVerify } from "../../src/cli/audit.ts";

afterEach(() => vi.restoreAllMocks());

it("says of a key that is neither one nor a file what was expected", async () => {
  let said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  expect(await auditVerify(".", { key: "nope" })).toBe(8);
  expect(said).toBe(
    "CANNOT TELL  --key: nope is no verifier key (name+8 hex digits+base64), and no file that can be read (there is no such file)\n",
  );
});
