import { expect, it } from "vitest";
import { linesOf } from "../../../src/cli/audit/lines.ts";
import type { Story } from "../../../src/journal/story.ts";

const TIME = "2026-11-29T12:12:41.010565Z";
const story = (entry: object): Story =>
  ({ at: 0, entries: [{ index: 0, time: TIME, crc: 1, ...entry }] }) as unknown as Story;
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

it("says why a credential was refused, and which client it claims to be", () => {
  const presented = { client: "alpha-ors", path: "/phones/······" };
  expect(
    linesOf([story({ ...refusal, id: "01A", reason: "key-unknown: the key is not in the keys file", presented })]),
  ).toEqual(["2026-11-29T12:12:41.010Z  ✖  401  refused  –  –  –  –  OCSGW-2001  key-unknown  claims alpha-ors  01A"]);
});

it("says the code alone of a client that is known", () => {
  const known = {
    ...refusal,
    id: "01A",
    client: "beta-crm",
    tenant: { dbid: 102, name: "Beta Tenant" },
    status: 403,
    code: "OCSGW-2103",
    reason: "another-tenant: x",
  };
  expect(linesOf([story(known)])).toEqual([
    "2026-11-29T12:12:41.010Z  ✖  403  refused  Beta Tenant  beta-crm  –  –  OCSGW-2103  01A",
  ]);
});

it("keeps the columns narrow beside an entry with many words", () => {
  const [event, request] = linesOf([
    story({ kind: "flood", source: "x".repeat(200) }),
    story({ ...refusal, id: "01A" }),
  ]);
  expect(event).toContain("x".repeat(200));
  expect(request).toMatch(/ OCSGW-2001 {2}01A$/);
});
