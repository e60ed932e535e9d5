import { expect, it } from "vitest";
import { linesOf } from "../../../../src/cli/audit/output/lines.ts";
import type { Transaction } from "../../../../src/journal/search/transaction.ts";

const TIME = "2026-11-29T12:12:41.010565Z";
const transaction = (entry: object): Transaction =>
  ({ at: 0, entries: [{ index: 0, time: TIME, crc: 1, ...entry }] }) as unknown as Transaction;
const refusal = {
  kind: "refusal",
  tenant: null,
  client: null,
  resource: null,
  identifier: null,
  action: null,
  status: 401,
  code: "OCSGW-2001",
  delivery: "not-sent",
  detail: "no usable credential",
};

it("a line gives the reason of a rejected credential, and the client that it claims", () => {
  const presented = { client: "alpha-ors", path: "/phones/······" };
  expect(
    linesOf([
      transaction({ ...refusal, id: "01A", reason: "key-unknown: the key is not in the keys file", presented }),
    ]),
  ).toEqual(["2026-11-29T12:12:41.010Z  ✖  401  refused  –  –  –  –  OCSGW-2001  key-unknown  claims alpha-ors  01A"]);
});

it("a line gives only the code for an authenticated client", () => {
  const known = {
    ...refusal,
    id: "01A",
    client: "beta-crm",
    tenant: { dbid: 102, name: "Beta Tenant" },
    status: 403,
    code: "OCSGW-2103",
    reason: "another-tenant: x",
  };
  expect(linesOf([transaction(known)])).toEqual([
    "2026-11-29T12:12:41.010Z  ✖  403  refused  Beta Tenant  beta-crm  –  –  OCSGW-2103  01A",
  ]);
});

it("the columns stay narrow beside an entry with long details", () => {
  const [event, request] = linesOf([
    transaction({ kind: "flood", source: "x".repeat(200) }),
    transaction({ ...refusal, id: "01A" }),
  ]);
  expect(event).toContain("x".repeat(200));
  expect(request).toMatch(/ OCSGW-2001 {2}01A$/);
});
