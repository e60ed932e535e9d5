import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ATTRIBUTES, carriesScope } from "../../src/ocs/attributes.ts";
import { CATALOG, type Action } from "../../src/ocs/catalog.ts";
import { readBody } from "../../src/ocs/body.ts";
import { scanJson } from "../../src/ocs/json.ts";
import { JsonFault } from "../../src/ocs/json-fault.ts";
import { Violation } from "../../src/ocs/violation.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { describeIf } from "../kit/machine.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { corpus } from "../ocs/corpus.ts";

// Thousands of requests, one after the other: on a busy machine they take their time.
vi.setConfig({ testTimeout: 180_000 });

const suite = corpus("json-testsuite");
const blns = corpus("blns");
const utf8 = new TextEncoder();

type Heard = {
  readonly status: number;
  readonly code: string | null;
  readonly origin: string | null;
  /** Bodies that OCS received meanwhile. */ readonly sent: readonly string[];
};

let ocs: RawOcs;
let gateway: TestGateway;
const bodies: string[] = [];
beforeAll(async () => {
  ocs = await rawOcs(({ body }) => {
    bodies.push(Buffer.from(body, "latin1").toString("utf8"));
    return "HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nContent-length: 0\r\n\r\n";
  });
  gateway = await aGateway(twoTenants(ocs.url));
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

/** It takes fields of one's own and does not end the record. */
const REPORT = "/records/15?req=UpdateCallCompletionStats";
const ask = async (body: Uint8Array | string, target = REPORT): Promise<Heard> => {
  bodies.length = 0;
  const reply = await fetch(gateway.url + target, {
    method: "POST",
    headers: { authorization: basic("alpha"), "content-type": "application/json" },
    body: Buffer.from(body),
  });
  await reply.arrayBuffer();
  return {
    status: reply.status,
    code: reply.headers.get("ocsgw-code"),
    origin: reply.headers.get("ocsgw-origin"),
    sent: [...bodies],
  };
};

/** Sent, and OCS was sent nothing; or not refused, and OCS's body says the same. */
const refused = ({ status, origin, sent }: Heard): boolean =>
  origin === "gateway" && (status === 400 || status === 413) && sent.length === 0;

/** A text as it stands, and its value, or the one value of its array, as a field's. */
const asBodies = (text: Buffer): Buffer[] => {
  const alone = /^\s*\[([^[\]{}]*)\]\s*$/.exec(text.toString("latin1"))?.[1];
  return [text, inside(alone === undefined ? text : Buffer.from(alone, "latin1"))];
};

const inside = (value: Uint8Array): Buffer => Buffer.concat([Buffer.from('{"NOTE":'), value, Buffer.from("}")]);

describeIf(!suite.absent, "../shared/corpora", "JSONTestSuite, through the gateway", () => {
  const files = (letter: string): string[] =>
    suite.files("test_parsing").filter((file) => file.startsWith(`${letter}_`));
  const bytes = (file: string): Buffer => suite.bytes(`test_parsing/${file}`);

  it("all 188 invalid texts are refused with 400 or 413, alone and as a value, and none reaches OCS", async () => {
    expect(files("n")).toHaveLength(188);
    for (const file of files("n")) {
      // An empty body is no text, but one that says nothing.
      if (bytes(file).length > 0) expect([file, refused(await ask(bytes(file)))]).toEqual([file, true]);
      // What ends in a comma or a comment is made valid by what is put behind it, or is a value and a second member.
      if (isOneValue(bytes(file))) expect([file, refused(await ask(inside(bytes(file))))]).toEqual([file, true]);
    }
  });

  const isOneValue = (text: Buffer): boolean => {
    try {
      JSON.parse(`[${text.toString("utf8")}]`);
      return false;
    } catch {
      return true;
    }
  };

  it("of the 95 valid texts, objects of fields reach OCS with the same meaning; the others are refused", async () => {
    expect(files("y")).toHaveLength(95);
    let passed = 0;
    for (const file of files("y")) {
      for (const body of asBodies(bytes(file))) {
        const heard = await ask(body);
        if (refused(heard)) continue;
        passed++;
        expect([file, heard.status, heard.origin]).toEqual([file, 200, "ocs"]);
        expect(meaningOf(heard.sent[0]!)).toEqual(meaningOf(body.toString("utf8")));
      }
    }
    // Strings without control characters, and integers, as a field's value; objects of them as they stand.
    expect(passed).toBeGreaterThan(40);
  });

  /** With integers as they are written, and without what is null. */
  const meaningOf = (text: string): unknown =>
    text === ""
      ? {}
      : JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
          value === null
            ? undefined
            : typeof value === "number" && context?.source !== undefined
              ? context.source
              : value,
        );

  it("of the 35 that are left to the implementation only integers pass, exact", async () => {
    expect(files("i")).toHaveLength(35);
    const passed: string[] = [];
    for (const file of files("i")) {
      for (const body of asBodies(bytes(file))) {
        const heard = await ask(body);
        if (refused(heard)) continue;
        passed.push(file);
        expect(heard.sent).toEqual([body.toString("utf8").replaceAll(/\s/g, "")]);
      }
    }
    expect(passed).toEqual([
      "i_number_too_big_neg_int.json",
      "i_number_too_big_pos_int.json",
      "i_number_very_big_negative_int.json",
    ]);
  });

  it("the 22 that parsers transform are refused, or reach OCS unchanged in meaning", async () => {
    const transforms = suite.files("test_transform");
    expect(transforms).toHaveLength(22);
    for (const file of transforms) {
      for (const body of asBodies(suite.bytes(`test_transform/${file}`))) {
        const heard = await ask(body);
        if (!refused(heard))
          expect([file, meaningOf(heard.sent[0]!)]).toEqual([file, meaningOf(body.toString("utf8"))]);
      }
    }
  });
});

describe("bodies that are made to cost", () => {
  const huge: readonly (readonly [string, string])[] = [
    ["100,000 opening brackets", "[".repeat(100_000)],
    ["64 KiB of opening brackets", "[".repeat(65_536)],
    ["50,000 opening objects", '[{"":'.repeat(50_000)],
    ["64 KiB of one string", `{"NOTE":"${"x".repeat(65_520)}"}`],
    ["64 KiB of escapes", `{"NOTE":"${"\\u0041".repeat(10_900)}"}`],
    ["a number of 60,000 digits", `{"NOTE":${"9".repeat(60_000)}}`],
    ["5,000 members", `{${Array.from({ length: 5000 }, (_, at) => `"k${at}":1`).join(",")}}`],
    ["blanks", " ".repeat(65_000)],
    ["a number of 60,000 digits and an exponent", `{"NOTE":1e${"9".repeat(60_000)}}`],
    ["64 KiB of backslashes", `{"NOTE":"${"\\\\".repeat(32_000)}"}`],
  ];

  it.each(huge)("%s are refused", async (_name, body) => {
    expect(refused(await ask(body))).toBe(true);
  });

  it("cost no more than their length, however they are made", () => {
    const time = (text: string): number => {
      const bytes = utf8.encode(text);
      const began = performance.now();
      for (let round = 0; round < 20; round++) scanned(bytes);
      return performance.now() - began;
    };
    // What every body costs that is refused at its end is the measure; a scanner that goes back is hundreds of times
    // slower.
    const measure = Math.max(time(`{"NOTE":"${"x".repeat(65_000)}"`), 1);
    for (const [name, text] of huge)
      expect([name, time(text.slice(0, 65_536)) / measure]).toEqual([
        name,
        expect.toSatisfy((ratio: number) => ratio < 200),
      ]);
  });

  const scanned = (bytes: Uint8Array): void => {
    try {
      scanJson(bytes);
    } catch (error) {
      if (!(error instanceof JsonFault)) throw error;
    }
  };
});

describe("keys that decide scope, said twice", () => {
  const KEYS = [
    ...Object.keys(ATTRIBUTES).filter(carriesScope),
    "GSW_CAMPAIGN",
    "GSW_RECORD_URI",
    "GSW_CM_AttrGroupID",
    "GSW_CM_AttrCampaignID",
    "GSW_CM_AttrReferenceID",
    "GSW_CM_AttrRefID",
    "GSW_CM_MessageType",
  ];
  const unicode = (text: string): string =>
    Array.from(text, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  /** Other spellings of a key, as they stand between the quotes. */
  const SPELLINGS: Readonly<Record<string, (key: string) => string>> = {
    "the same": (key) => key,
    "one letter escaped": (key) => key.replace("_", "\\u005f"),
    "every letter escaped": unicode,
    "in lower case": (key) => key.toLowerCase(),
    "in upper case": (key) => key.toUpperCase(),
    "in lower case and escaped": (key) => unicode(key.toLowerCase()),
    "one letter in another case": (key) => key.replace(/^G/, "g"),
    "a letter that folds to S": (key) => key.replace("S", "\u017f"),
    "a full-width letter": (key) => key.replace("G", "\uff27"),
    "a combining mark behind": (key) => `${key}\u0301`,
    "a blank behind": (key) => `${key} `,
    "a NUL behind": (key) => `${key}\\u0000`,
    "a zero-width space inside": (key) => key.replace("_", "_\u200b"),
  };
  const VALUES = ['"1"', "101", "102", '"Alpha Tenant"'];
  const actions = Object.values(CATALOG).flatMap(({ actions: each }) =>
    Object.values(each).filter(({ method }) => method === "POST"),
  );

  const verdict = (action: Action, text: string): ReturnType<typeof readBody> | undefined => {
    try {
      return readBody(action, utf8.encode(text));
    } catch (error) {
      if (error instanceof Violation) return undefined;
      throw error;
    }
  };

  it.each(KEYS)("%s is refused in any action, case, spelling and depth, with equal values or not", (key) => {
    const passed: string[] = [];
    for (const action of actions) {
      for (const [name, spell] of Object.entries(SPELLINGS)) {
        for (const one of VALUES) {
          for (const body of [
            `{"${key}":${one},"${spell(key)}":102}`,
            `{"${spell(key)}":102,"${key}":${one}}`,
            `{"${key}":${one},"GSW_CM_AttrProperties":{"${spell(key)}":102}}`,
          ]) {
            if (verdict(action, body) !== undefined) passed.push(`${action.resource} ${action.name}, ${name}: ${body}`);
          }
        }
      }
    }
    expect(passed).toEqual([]);
  });
});

describeIf(!blns.absent, "../shared/corpora", "the big list of naughty strings", () => {
  const strings = (): string[] => JSON.parse(blns.bytes("blns.json").toString("utf8")) as string[];

  it("515 strings in an own field, GSW_AGENT_ID and GSW_TZ_NAME reach OCS byte by byte or are refused", async () => {
    expect(strings()).toHaveLength(515);
    const needed = { GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" };
    const counts = { passed: 0, refused: 0 };
    for (const text of strings()) {
      for (const name of ["NOTE", "GSW_AGENT_ID", "GSW_TZ_NAME"]) {
        const heard = await ask(JSON.stringify({ ...needed, [name]: text }), "/records/15?req=AddRecord");
        if (refused(heard)) {
          counts.refused++;
          continue;
        }
        counts.passed++;
        expect(JSON.parse(heard.sent[0]!)).toEqual({ ...needed, [name]: text });
      }
    }
    expect(counts.passed).toBeGreaterThan(1000);
    expect(counts.refused).toBeGreaterThan(0);
  });

  it("as keys they are names of fields, or refused", async () => {
    for (const text of strings()) {
      const heard = await ask(JSON.stringify({ [text]: "1" }));
      if (!refused(heard)) expect(JSON.parse(heard.sent[0]!)).toEqual({ [text]: "1" });
    }
  });

  it("every sixth as the identifier of each resource names what it says, or is refused", async () => {
    const passed: string[] = [];
    for (const text of strings().filter((_, at) => at % 6 === 0)) {
      for (const [resource, req] of [
        ["records", "RecordReject"],
        ["phones", "DoNotCall"],
        ["customer_ids", "DoNotCall"],
        ["lists", "AddRecord"],
        ["campaigngroups", "Load"],
      ] as const) {
        const target = `/${resource}/${encodeURIComponent(text.toWellFormed())}?req=${req}`;
        if (target.length > 2000) continue;
        const before = ocs.bytes().length;
        const heard = await ask("", target);
        if (ocs.bytes().length > before) passed.push(`${resource} ${text}`);
        else expect(heard.status).toSatisfy((status: number) => status >= 400 && status < 500);
      }
    }
    // Plain numbers and words are what they are.
    expect(
      passed.every((each) =>
        /^(?:records [1-9]\d*|phones \+?\d{3,20}|customer_ids [^\p{C}/\\%?#*;"'`<>]+)$/u.test(each),
      ),
    ).toBe(true);
  });

  it("leave no control character in a line of the journal", async () => {
    for (const line of await gateway.journal())
      // eslint-disable-next-line no-control-regex
      expect(JSON.stringify(line)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});
