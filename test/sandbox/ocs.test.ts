import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACTIONS } from "../../src/ocs/catalog.ts";
import { STATUSES } from "../../src/ocs/answer-tables.ts";
import { writeTarget } from "../../src/ocs/target.ts";
import { BodyFault } from "../../src/common/message.ts";
import { createOcs, refusedMessage } from "../../src/sandbox/ocs.ts";
import type { World } from "../../src/sandbox/world/world.ts";
import { anArrival, aWorld, ask, NOON, post, recordOfHandle, stateOfHandle, verdict } from "./support.ts";

let world: World;
beforeEach(() => {
  world = aWorld();
});
afterEach(() => {
  world.close();
});

const IDENTIFIERS = {
  records: "17",
  phones: "4155550103",
  customer_ids: "A-0001",
  lists: "Alpha List",
  campaigngroups: "106",
};
const EVERYTHING = {
  GSW_TENANT_NAME: "Alpha Tenant",
  GSW_CAMPAIGN_NAME: "Alpha Campaign",
  GSW_PHONE: "4155550199",
  GSW_TZ_NAME: "PST",
  GSW_DATE_TIME: "07/04/2026 13:00",
  GSW_CM_AttrDialMode: 1,
  GSW_CM_AttrOptimizeBy: 1,
  GSW_CM_AttrOptimizeGoal: 80,
};
/** What the seeded world says to each action on a resource that exists. */
const REFUSED_AT_FIRST: Record<string, string> = { Load: "409/5", StartDialing: "409/7", Launch: "409/7" };

describe("every row of the catalog", () => {
  it.each(ACTIONS.map((action) => ({ action, name: `${action.name} on ${action.resource}` })))(
    "is answered: $name",
    async ({ action }) => {
      const target = writeTarget({ action, identifier: IDENTIFIERS[action.resource] });
      const answer = await ask(world, action.method, target, action.method === "POST" ? EVERYTHING : undefined);
      expect(verdict(answer)).toBe(
        action.resource === "campaigngroups" ? (REFUSED_AT_FIRST[action.name] ?? "200") : "200",
      );
      expect(STATUSES[action.resource]).toContain(answer.status);
      expect(answer.text === "").toBe(!action.answersBody);
      if (action.resource === "records") expect(stateOfHandle(world, 17)).toBe(action.finalizes ? "finalized" : "open");
    },
  );
});

describe("OCS's answer", () => {
  it("to a successful POST has Server, Content-length 0 and no body", async () => {
    expect((await post(world, "/records/15?req=RecordProcessed")).headers).toEqual([
      ["Server", "OCS/8.1.524.04"],
      ["Content-length", "0"],
    ]);
  });

  it("that is negative has the manual's headers, an HTML page, and the page's length", async () => {
    const answer = await post(world, "/records/16?req=RecordProcessed");
    expect(answer.text).toBe("<HTML><body>410 Gone : 0 No call found for the record handle</body></HTML>");
    expect(answer.headers).toEqual([
      ["Server", "OCS/8.1.524.04"],
      ["Warning", "112"],
      ["Content-type", "text/html"],
      ["Content-length", "74"],
    ]);
  });

  it("escapes the detail of a negative answer", () => {
    const { status, body } = refusedMessage("body", "<b>&</b>");
    expect([status, Buffer.from(body).toString()]).toEqual([
      400,
      "<HTML><body>400 Bad Request : 0 Incorrect body: &lt;b&gt;&amp;&lt;/b&gt;</body></HTML>",
    ]);
  });

  it("to an internal error is 500", async () => {
    world.db.script("ALTER TABLE record_handle RENAME TO lost");
    expect(verdict(await post(world, "/records/15?req=RecordProcessed"))).toBe("500/9015");
    expect(verdict(await ask(world, "GET", "/campaigngroups"))).toBe("500/1");
    world.db.script("ALTER TABLE lost RENAME TO record_handle");
    expect(verdict(await post(world, "/records/15?req=RecordProcessed"))).toBe("200");
  });
});

describe("an invalid request", () => {
  it.each([
    ["a path that is not a resource", "POST", "/calls/15?req=RecordProcessed", "400/9001"],
    ["a handle that is not a number", "POST", "/records/abc?req=RecordProcessed", "400/9001"],
    ["an unknown action", "POST", "/records/15?req=RecordProceed", "400/9001"],
    ["an action of another resource", "POST", "/records/15?req=Load", "400/9001"],
    ["no action", "POST", "/records/15", "400/9001"],
    ["GET of a record", "GET", "/records/15", "400/9001"],
    ["PUT", "PUT", "/campaigngroups/106?req=Load", "400/10"],
    ["an unknown action on a group", "POST", "/campaigngroups/106?req=Start", "400/10"],
  ])("is answered with 400: %s", async (_, method, target, outcome) => {
    expect(verdict(await ask(world, method, target))).toBe(outcome);
  });

  it.each([
    ["JSON cut short", '{"GSW_CALL_RESULT":'],
    ["an array", "[]"],
    ["a name instead of a number", '{"GSW_CALL_RESULT":"Answer"}'],
    ["an unknown result", '{"GSW_CALL_RESULT":54}'],
    ["a fraction", '{"GSW_CALL_RESULT":33.5}'],
    ["an unknown treatment", '{"GSW_TREATMENT":"Personal"}'],
    ["32 bits exceeded", '{"CUSTOMER_CODE":4294967296}'],
  ])("gets 400 for a body with %s, and changes nothing", async (_, body) => {
    expect(verdict(await post(world, "/records/15?req=RecordProcessed", body))).toBe("400/9003");
    expect(recordOfHandle(world, 15).record_status).toBe(2);
    expect(stateOfHandle(world, 15)).toBe("open");
  });

  it.each([
    ["text/plain", "400/9002"],
    ["application/json; charset=utf-8", "200"],
    ["APPLICATION/JSON", "200"],
  ])("with Content-type %s gets %s", async (type, outcome) => {
    expect(verdict(await ask(world, "POST", "/records/15?req=RecordProcessed", {}, [["Content-type", type]]))).toBe(
      outcome,
    );
  });

  it("gets 400 when the HTTP message is malformed or its body cannot be read", async () => {
    const fault = { kind: "wrong-length", detail: "short" } as const;
    const arrival = anArrival("POST", "/records/15?req=RecordProcessed");
    expect((await createOcs(world)({ ...arrival, fault })).status).toBe(400);
    expect((await createOcs(world)({ ...arrival, body: () => Promise.reject(new BodyFault(fault)) })).status).toBe(400);
  });
});

describe("OCS", () => {
  it("accepts a body without Content-type", async () => {
    expect(verdict(await ask(world, "POST", "/records/15?req=RecordProcessed", { GSW_CALL_RESULT: 33 }, []))).toBe(
      "200",
    );
    expect(recordOfHandle(world, 15).call_result).toBe(33);
  });

  it("prefers the URI over the body", async () => {
    await post(world, "/records/15?req=RecordProcessed", { GSW_RECORD_HANDLE: 20, GSW_CALL_RESULT: 33 });
    expect([stateOfHandle(world, 15), stateOfHandle(world, 20)]).toEqual(["finalized", "open"]);
    await post(world, "/phones/4155555555?req=DoNotCall", { GSW_TENANT_DBID: 101, GSW_PHONE: 7 });
    expect(world.db.get("SELECT phone FROM do_not_call_list ORDER BY rowid DESC")).toEqual({ phone: "4155555555" });
  });

  it("uses the last of two equal keys", async () => {
    await post(
      world,
      "/records/15?req=RecordProcessed",
      '{"GSW_CALL_RESULT":6,"GSW_CALL_RESULT":33,"GSW_CAMPAIGN_NAME":"a","GSW_CAMPAIGN_NAME":"b"}',
    );
    expect(recordOfHandle(world, 15).call_result).toBe(33);
  });

  it("ignores unknown keys with values of any type", async () => {
    const body =
      '{"REMARK":{"deep":[1,2.5,null,true]},"GSW_UNHEARD_OF":[1],"gsw_call_result":6,"GSW_CALL_RESULT":"33"}';
    expect(verdict(await post(world, "/records/15?req=RecordProcessed", body))).toBe("200");
    expect(recordOfHandle(world, 15).call_result).toBe(33);
  });

  it("accepts req in any case and the target in absolute form", async () => {
    expect(verdict(await post(world, "http://ocs.us.int.genesyslab.com:8080/records/15?req=recordprocessed"))).toBe(
      "200",
    );
  });

  it("ignores the body of a GET", async () => {
    expect((await ask(world, "GET", "/campaigngroups/115", "not JSON", [["Content-type", "text/plain"]])).status).toBe(
      200,
    );
  });
});

describe("the manual's examples", () => {
  const processed = { CUSTOMER_CODE: 22, GSW_CALL_RESULT: 33, DATE_LAST_SERVED: "10/30/2008" };

  it("have their documented results", async () => {
    const outcomes = [
      await post(world, "http://ocs.us.int.genesyslab.com:8080/records/15?req=RecordProcessed", processed),
      await post(world, "http://ocs.us.int.genesyslab.com:8080/records/15?req=RecordProcessed", processed),
      await post(world, "http://ocs.us.int.genesyslab.com:8080/phones/4155555555?req=DoNotCall", {
        GSW_TENANT_NAME: "Alpha Tenant",
      }),
      await post(world, "http://ocs.genesyslab.com:8080/lists/Alpha%20List?req=AddRecord", {
        GSW_CAMPAIGN_NAME: "Alpha Campaign",
        GSW_PHONE: "4155670000",
        GSW_TZ_NAME: "PST",
      }),
      await post(world, "http://ocs.genesyslab.com:8080/campaigngroups/106?req=SetDialingMode", {
        GSW_CM_AttrDialMode: 1,
        GSW_CM_AttrOptimizeBy: 2,
        GSW_CM_AttrOptimizeGoal: 5,
      }),
      await post(world, "http://ocs.us.int.genesyslab.com:8080/campaigngroups/106?req=Load"),
      await ask(world, "GET", "http://ocs.genesyslab.com:8080/campaigngroups/115"),
      await ask(world, "GET", "http://ocs.genesyslab.com:8080/campaigngroups"),
    ];
    expect(outcomes.map(verdict)).toEqual(["200", "410/112", "200", "200", "200", "409/5", "200", "200"]);
    expect(outcomes[6]!.etag).toBe(String(NOON / 1000 + 1));
  });
});
