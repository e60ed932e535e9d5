/** `tests`: examples of what the policy says, kept beside it. */
import { z } from "zod";
import { label, off, text } from "./units.ts";

const says = (expected: string): { error: string } => ({ error: `expected ${expected}` });

const REQUEST = "a method and a target, as in POST /phones/4155550100?req=DoNotCall";
const VERDICT = "allow, or the code of a refusal, as in OCSGW-2103";

export const policyTest = z.strictObject({
  as: label.describe("The client that asks. Its credential is taken for granted."),
  do: z
    .string(says(REQUEST))
    .regex(/^[A-Z]+ \/\S*$/, says(REQUEST))
    .describe("Method and target, as in a request line; a blank in a name as %20."),
  body: off(
    z.union(
      [z.record(z.string(), z.unknown(), says("a map of attributes, or JSON text")), text],
      says("a map of attributes, or JSON text"),
    ),
  ).describe("The body: its attributes, or JSON text as it stands. None when left out."),
  tenant: off(text).describe("What the header Ocsgw-Tenant says. Not sent when left out."),
  owner: off(text).describe(
    "Of a request about a record: the tenant whose handle it is, by name or DBID. The tenant's that asks when left out.",
  ),
  expect: z
    .string(says(VERDICT))
    .regex(/^(allow|OCSGW-\d{4})$/, says(VERDICT))
    .describe("allow, or the code of the refusal."),
});
