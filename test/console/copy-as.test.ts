import { describe, expect, it } from "vitest";
import { asCurl, asMarkdown, asText } from "../../src/console/pages/flows/copy-as.ts";
import type { FlowRow } from "../../src/console/pages/flows/flow-list.ts";
import { neighbourFilters, termFor } from "../../src/console/pages/flows/row-text.ts";
import { readFilter } from "../../src/journal/search/filter/vocabulary.ts";
import { run } from "../kit/command.ts";

const flow = (change: object = {}): FlowRow =>
  ({
    at: 1,
    id: "01KAPQ8C10QX",
    time: "2026-11-22T12:05:02.871000Z",
    state: "refused",
    status: 403,
    origin: "gateway",
    code: "OCSGW-2103",
    tenant: { dbid: 101, name: "Alpha Tenant" },
    client: "alpha's",
    action: "DoNotCall",
    resource: "phones",
    identifier: "······0100",
    phone: "t1:b2f0cf2805b59bbb2b54525c8f29b4589a51ad00f58287d83f10ca000c28cd8b",
    lane: "ocs/1",
    total: 1.26,
    entries: [{ kind: "intent", body: { GSW_PHONE: "······0100", GSW_TENANT_NAME: "It's" } }],
    ...change,
  }) as unknown as FlowRow;

describe("flows as text", () => {
  it("are one line each, whatever their texts contain", () => {
    const text = asText([flow(), flow({ client: "a\nb\u2028c" })]);
    expect(text.split("\n")).toHaveLength(2);
    expect(text).toContain("phones/······0100");
  });

  it("are a Markdown table whose texts begin neither a cell nor HTML", () => {
    const lines = asMarkdown([flow({ client: "a|b <b>`c`" })]).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain("a\\|b \\<b\\>\\`c\\`");
  });
});

describe("a flow as curl", () => {
  it("is a command that a shell reads as one request, with placeholders for what is masked or secret", async () => {
    const { stdout } = await run("sh", ["-c", `curl() { printf '%s\\n' "$@"; }; OCSGW=http://gw; ${asCurl(flow())}`]);
    expect(stdout.trimEnd().split("\n")).toEqual([
      "-i",
      "-X",
      "POST",
      "http://gw/phones/<phone>?req=DoNotCall",
      "-u",
      "alpha's:<key>",
      "-H",
      "Content-Type: application/json",
      "-d",
      '{"GSW_PHONE":"<GSW_PHONE>","GSW_TENANT_NAME":"It\'s"}',
    ]);
  });

  it("reads with GET, and encodes names", () => {
    const read = { action: "ReadStatus", resource: "campaigngroups", identifier: "106" };
    expect(asCurl(flow(read))).toBe(`curl -i "$OCSGW/"'campaigngroups/106' \\\n  -u 'alpha'\\''s:<key>'`);
    expect(asCurl(flow({ resource: "lists", identifier: "Alpha 'A' List", action: "AddRecord" }))).toContain(
      "lists/Alpha%20'\\''A'\\''%20List",
    );
  });

  it("does not exist for an event", () =>
    expect(asCurl(flow({ resource: undefined, action: undefined }))).toBeUndefined());
});

describe("terms of a flow", () => {
  const words = { actions: ["DoNotCall"], codes: ["OCSGW-2103"], names: {} };

  it.each(["result", "origin", "tenant", "client", "action", "subject", "code"])("are valid filters: %s", (column) => {
    const term = termFor(flow(), column)!;
    expect(() => readFilter(term, words)).not.toThrow();
    expect(() => readFilter(`-${term}`, words)).not.toThrow();
  });

  it("find the neighbours of a flow with valid filters", () => {
    const filters = Object.values(neighbourFilters(flow()));
    expect(filters).toHaveLength(4);
    for (const filter of filters) expect(() => readFilter(filter!, words)).not.toThrow();
  });

  it("name a person by token only", () => expect(termFor(flow(), "subject")).toBe("phone:t1:b2f0cf2805b59bbb"));
});
