/** Which Content-Types a body may have, and that without a body none matters. */
import { describe, expect, it } from "vitest";
import { readContentType } from "../../../src/gateway/stages/content-type.ts";
import { headerOf } from "../../../src/common/message.ts";
import { aLine, text } from "../../kit/line.ts";

const DNC = "/phones/4155550100?req=DoNotCall";
const code = async (
  type: string,
  body = "{}",
  more: readonly (readonly [string, string])[] = [],
  setting: Parameters<typeof aLine>[0] = {},
): Promise<string> => {
  const length = Buffer.byteLength(body);
  const reply = await aLine(setting).ask({
    target: DNC,
    body,
    headers: [["Content-Type", type], ["Content-Length", String(length)], ...more],
  });
  return headerOf(reply.headers, "Ocsgw-Code") ?? String(reply.status);
};

describe("a body's Content-Type", () => {
  it.each([
    "application/json",
    "Application/JSON",
    "application/json;",
    "application/json ;",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "application/json; charset=utf8",
    'application/json; charset="utf-8"',
    'application/json; charset="UT\\F8"',
    "application/json; odata.metadata=minimal",
    "application/json; version=1; charset=utf-8",
    'application/json;profile="https://x.example/a;b"',
    "application/json;; charset=utf-8;",
    "application/json\t;\tcharset=utf-8",
    'application/json; q=""',
  ])("may be %s", async (type) => {
    expect(await code(type)).toBe("200");
  });

  it.each([
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/json-patch+json",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "json",
    "",
    "application/",
    "application/json text/plain",
    "application/json, application/json",
    "application/json; charset=iso-8859-1",
    "application/json; charset=utf-16",
    "application/json; charset=us-ascii",
    "application/json; charset=",
    "application/json; charset",
    "application/json; charset = utf-8",
    "application/json; charset=utf-8; charset=utf-8",
    "application/json; charset=utf-8; charset=latin1",
    'application/json; x="a',
    "application/json; x=a b",
    "application/json charset=utf-8",
    "application/json; charset='utf-8'",
  ])("may not be %j", async (type) => {
    expect(await code(type)).toBe("OCSGW-1009");
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded; charset=latin1",
    "nonsense",
    "application/json; charset=latin1",
  ])("is ignored without a body: %s", async (type) => {
    expect(await code(type, "")).toBe("200");
    expect(await code(type, "", [["Content-Encoding", "gzip"]])).toBe("200");
  });

  it("is refused with a text that says what is wrong", async () => {
    for (const [type, said] of [
      ["text/plain", "must be application/json"],
      ["application/json; charset=latin1", "charset"],
      ["application/json; charset=a; charset=b", "malformed"],
    ] as const) {
      expect(text(await aLine().ask({ target: DNC, body: "{}", headers: [["Content-Type", type]] }))).toContain(said);
    }
  });

  it("may be a type that the listener accepts, in UTF-8", async () => {
    const setting = {
      acceptsType: (listener: string, type: string): boolean => listener === "clients" && type === "text/plain",
    };
    expect(await code("text/plain", "{}", [], setting)).toBe("200");
    expect(await code("Text/Plain; charset=utf-8", "{}", [], setting)).toBe("200");
    expect(await code("text/plain; charset=iso-8859-1", "{}", [], setting)).toBe("OCSGW-1009");
    expect(await code("text/html", "{}", [], setting)).toBe("OCSGW-1009");
    expect(await code("text/plain", "not JSON", [], setting)).toBe("OCSGW-1003");
  });

  it("is parsed in linear time", () => {
    const started = performance.now();
    for (const odd of [
      `a/b${';x="'.repeat(2001)}`,
      `a/b${" ".repeat(8000)}x`,
      `a/b;x="${"\\\\".repeat(4000)}`,
      `a/b${";".repeat(8000)}=`,
    ])
      expect(readContentType(odd)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(500);
  });

  it("is refused with a Content-Encoding other than identity", async () => {
    expect(await code("application/json", "{}", [["Content-Encoding", "gzip"]])).toBe("OCSGW-1009");
    expect(await code("application/json", "{}", [["Content-Encoding", "identity"]])).toBe("200");
  });
});
