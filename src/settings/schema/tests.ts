/** `tests`: policy tests, requests with the expected decision. */
import { z } from "zod";
import { label, off, text } from "./units.ts";

const expected = (what: string): { error: string } => ({ error: `expected ${what}` });

const REQUEST = "a method and a target, for example POST /phones/4155550100?req=DoNotCall";
const VERDICT = "allow, or the code of a refusal, for example OCSGW-2103";

export const policyTest = z.strictObject({
  as: label.describe("Client that sends the request. It counts as authenticated."),
  do: z
    .string(expected(REQUEST))
    .regex(/^[A-Z]+ \/\S*$/, expected(REQUEST))
    .describe("Method and target as in a request line, with a blank in a name as %20."),
  body: off(
    z.union(
      [z.record(z.string(), z.unknown(), expected("a map of attributes, or JSON text")), text],
      expected("a map of attributes, or JSON text"),
    ),
  ).describe("Body of the request: a map of attributes, or JSON text. Default: none."),
  tenant: off(text).describe("Value of the header Ocsgw-Tenant. Default: not sent."),
  owner: off(text).describe(
    "For a request to a record: the tenant that owns the handle, by name or DBID. Default: the tenant of the client.",
  ),
  expect: z
    .string(expected(VERDICT))
    .regex(/^(allow|OCSGW-\d{4})$/, expected(VERDICT))
    .describe("Expected decision: allow, or the code of the refusal."),
});
